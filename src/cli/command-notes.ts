import type { Command } from 'commander';

/** A command line, and what it does where that is not plain. */
export type Example = readonly [line: string, does?: string];

/** What a command's help and its page say besides its arguments and options. */
export interface CommandNotes {
  /** Paragraphs. */
  readonly notes?: readonly string[];
  readonly examples: readonly Example[];
}

const NOTES = new WeakMap<Command, CommandNotes>();

/** Adds what follows the options in a command's help, and in the pages made of it. */
export function addNotes(command: Command, notes: CommandNotes): Command {
  NOTES.set(command, notes);
  return command.addHelpText('after', () => helpText(command, notes));
}

export function notesOf(command: Command): CommandNotes | undefined {
  return NOTES.get(command);
}

const HELP_COLUMNS = 80;
/** What an example does stands beside it where the line is then no longer than this. */
const EXAMPLE_COLUMNS = 100;

function helpText(command: Command, { notes = [], examples }: CommandNotes): string {
  const help = command.createHelp();
  const columns = command.configureOutput().getOutHelpWidth?.() ?? HELP_COLUMNS;
  return [
    '',
    ...notes.flatMap((note) => [help.boxWrap(note, columns), '']),
    'Examples:',
    ...exampleLines(examples),
  ].join('\n');
}

function exampleLines(examples: readonly Example[]): string[] {
  const width = Math.max(...examples.map(([line]) => line.length));
  const beside = examples.map(([line, does = '']) => `  ${line.padEnd(width)}  ${does}`.trimEnd());
  if (beside.every((line) => line.length <= EXAMPLE_COLUMNS)) return beside;
  return examples.flatMap(([line, does]) => (does === undefined ? [`  ${line}`] : [`  ${line}`, `      ${does}`]));
}
