import type { Command } from 'commander';
import { notesOf } from '../src/cli/command-notes.ts';
import { leafCommands, type NamedCommand } from '../src/cli/command-tree.ts';
import { optionGroups, sentence } from './markdown-page.ts';

/** The manual pages of the program and all its commands, in man(7), by the names of their files. */
export function manPages(program: Command): ReadonlyMap<string, string> {
  const commands = leafCommands(program);
  return new Map([
    [`${program.name()}.1`, mainPage(program, commands)],
    ...commands.map((named) => [`${titleOf(program, named)}.1`, page(program, named)] as const),
  ]);
}

function titleOf(program: Command, { names }: NamedCommand): string {
  return [program.name(), ...names].join('-');
}

function header(program: Command, title: string): string {
  return `.\\" Made of the command tree.\n.TH ${title.toUpperCase()} 1 "" "blockloom ${program.version() ?? ''}" "User Commands"`;
}

function mainPage(program: Command, commands: readonly NamedCommand[]): string {
  const name = program.name();
  const rows = commands.map((named) => {
    const title = titleOf(program, named);
    return `.TP\n.BR ${roff(title)} (1)\n${roff(sentence(named.command.description()))}`;
  });
  const lines = [
    header(program, name),
    `.SH NAME\n${name} \\- ${roff(phrase(program.description()))}`,
    `.SH SYNOPSIS\n.B ${name}\n${roff(program.usage())}`,
    `.SH COMMANDS\n${rows.join('\n')}`,
    ...optionSections(program),
    ...exampleSection(program),
    `.SH EXIT STATUS\n${EXIT_STATUS.map(([status, is]) => `.TP\n.B ${status}\n${is}`).join('\n')}`,
  ];
  return `${lines.join('\n')}\n`;
}

const EXIT_STATUS = [
  ['0', 'Done.'],
  ['1', 'Failed.'],
  ['2', 'Wrong usage.'],
  ['3', 'The input is corrupt, unsupported or not found.'],
  ['4', 'A verification found a difference.'],
  ['130, 143', 'Ended by SIGINT or SIGTERM.'],
] as const;

function page(program: Command, named: NamedCommand): string {
  const { command, names } = named;
  const title = titleOf(program, named);
  const help = command.createHelp();
  const given = help.visibleArguments(command).map((argument) => {
    const description = sentence(help.argumentDescription(argument));
    return `.TP\n.I ${roff(argument.name())}\n${roff(description)}`;
  });
  const { notes = [] } = notesOf(command) ?? {};
  const lines = [
    header(program, title),
    `.SH NAME\n${roff(title)} \\- ${roff(phrase(command.description()))}`,
    `.SH SYNOPSIS\n.B ${roff([program.name(), ...names].join(' '))}\n${roff(command.usage())}`,
    `.SH DESCRIPTION\n${[sentence(command.description()), ...notes].map(roff).join('\n.PP\n')}`,
    ...(given.length > 0 ? [`.SH ARGUMENTS\n${given.join('\n')}`] : []),
    ...optionSections(command),
    ...exampleSection(command),
    `.SH SEE ALSO\n.BR ${roff(program.name())} (1)`,
  ];
  return `${lines.join('\n')}\n`;
}

function optionSections(command: Command): string[] {
  const help = command.createHelp();
  return [...optionGroups(command)].map(([heading, options]) => {
    const rows = options.map((option) => {
      const description = sentence(help.optionDescription(option));
      return `.TP\n.B ${roff(option.flags)}\n${roff(description)}`;
    });
    return `.SH ${roff(heading.toUpperCase())}\n${rows.join('\n')}`;
  });
}

function exampleSection(command: Command): string[] {
  const { examples = [] } = notesOf(command) ?? {};
  if (examples.length === 0) return [];
  const paragraphs = examples.map(([line, does]) => {
    const code = `.EX\n${roff(line)}\n.EE`;
    return does === undefined ? code : `${roff(sentence(does))}\n${code}`;
  });
  return [`.SH EXAMPLES\n${paragraphs.join('\n.PP\n')}`];
}

/** What `NAME` sections have: a phrase without its period. */
function phrase(description: string): string {
  return description.replace(/\.$/, '');
}

/** Text in which nothing is taken for a request, an escape or a typographic dash. groff_char(7) */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./, '\\&.');
}
