import type { Command, Option } from 'commander';
import { notesOf } from '../src/cli/command-notes.ts';
import { leafCommands, type NamedCommand } from '../src/cli/command-tree.ts';

/** The pages of all commands in Markdown, by the names of their files. */
export function markdownPages(program: Command): ReadonlyMap<string, string> {
  const commands = leafCommands(program);
  const pages = commands.map((named) => [fileName(named), page(program, named)] as const);
  return new Map([['README.md', index(program, commands)], ...pages]);
}

const MADE_BY = '<!-- Made by `npm run docs` of the command tree. -->\n';

function fileName({ names }: NamedCommand): string {
  return `${names.join('-')}.md`;
}

function index(program: Command, commands: readonly NamedCommand[]): string {
  const groups = new Map<string, NamedCommand[]>();
  for (const named of commands) {
    const outermost = program.commands.find((command) => command.name() === named.names[0])!;
    const group = (outermost.helpGroup() ?? 'Commands').replace(/:$/, '');
    groups.set(group, [...(groups.get(group) ?? []), named]);
  }
  const parts = [...groups].map(([group, members]) => {
    const rows = members.map(
      (named) => `| [\`${named.names.join(' ')}\`](${fileName(named)}) | ${cell(named.command.description())} |`,
    );
    return `## ${group}\n\n| command | does |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return [`${MADE_BY}\n# The commands\n`, ...parts].join('\n');
}

function page(program: Command, { names, command }: NamedCommand): string {
  const help = command.createHelp();
  const name = [program.name(), ...names].join(' ');
  const { notes = [], examples = [] } = notesOf(command) ?? {};
  const parts = [
    `${MADE_BY}\n# ${name}\n`,
    `${text(sentence(command.description()))}\n`,
    `\`\`\`\n${name} ${command.usage()}\n\`\`\`\n`,
    ...notes.map((note) => `${text(note)}\n`),
  ];
  if (examples.length > 0) {
    const lines = examples.map(([line, does]) => (does === undefined ? line : `${line}    # ${does}`));
    parts.push(`## Examples\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n`);
  }
  const given = help.visibleArguments(command);
  if (given.length > 0) {
    const rows = given.map((argument) => `| \`${argument.name()}\` | ${cell(help.argumentDescription(argument))} |`);
    parts.push(`## Arguments\n\n| argument | is |\n|---|---|\n${rows.join('\n')}\n`);
  }
  for (const [heading, options] of optionGroups(command)) {
    const rows = options.map((option) => `| \`${piped(option.flags)}\` | ${cell(help.optionDescription(option))} |`);
    parts.push(`## ${heading}\n\n| option | does |\n|---|---|\n${rows.join('\n')}\n`);
  }
  return parts.join('\n');
}

/** The options of a command by the headings of its help. */
export function optionGroups(command: Command): ReadonlyMap<string, readonly Option[]> {
  const options = [...command.createHelp().visibleOptions(command)];
  const groups = new Map<string, Option[]>();
  for (const option of options) {
    const heading = (option.helpGroupHeading ?? 'Options').replace(/:$/, '');
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  return groups;
}

/** Descriptions are phrases: in a text of their own they begin and end as sentences do. */
export function sentence(phrase: string): string {
  return `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}${phrase.endsWith('.') ? '' : '.'}`;
}

/** Text in which nothing is taken for a tag. */
function text(plain: string): string {
  return plain.replaceAll('<', '&lt;');
}

function cell(plain: string): string {
  return piped(text(plain));
}

/** What may stand in a cell of a table, in code too. */
function piped(plain: string): string {
  return plain.replaceAll('|', '\\|');
}
