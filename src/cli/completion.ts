import { Argument, type Command, type Option } from 'commander';
import { addNotes } from './command-notes.ts';
import { groupCommands, leafCommands } from './command-tree.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'where to complete').choices(SHELLS))
    .action((shell: Shell) => {
      console.log(shell === 'fish' ? fishScript(program) : shell === 'zsh' ? zshScript(program) : bashScript(program));
    });
  addNotes(command, {
    examples: [
      ['source <(blockloom completion bash)', 'in ~/.bashrc; for zsh alike, in ~/.zshrc after compinit'],
      ['blockloom completion fish > ~/.config/fish/completions/blockloom.fish'],
    ],
  });
}

function bashScript(program: Command): string {
  const names = (commands: readonly Command[]): string => commands.map((command) => command.name()).join(' ');
  const leaves = leafCommands(program).map(({ names: path, command }) => ({ path: path.join(' '), command }));
  const inGroups = groupCommands(program).map((group) => `    ${group.name()}) inner="${names(group.commands)}" ;;`);
  const options = leaves.map(({ path, command }) => {
    const flags = [...command.options.map(({ long }) => long), ...choicesOfArguments(command)];
    return `    "${path}") words="${flags.join(' ')}" ;;`;
  });
  const choices = leaves.flatMap(({ path, command }) =>
    command.options
      .filter(({ argChoices }) => argChoices !== undefined)
      .map(({ long, argChoices }) => `    "${path}:${long}") words="${argChoices?.join(' ')}" ;;`),
  );
  return [
    '_blockloom() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local command="${COMP_WORDS[1]}" inner="" words=""',
    '  case "$command" in',
    ...inGroups,
    `    help) inner="${names(program.commands)}" ;;`,
    '  esac',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${names(program.commands)} help"`,
    '  elif [ -n "$inner" ] && [ "$COMP_CWORD" -eq 2 ]; then words="$inner"',
    '  else',
    '    if [ -n "$inner" ]; then command="$command ${COMP_WORDS[2]}"; fi',
    '    case "$command" in',
    ...options.map((line) => `  ${line}`),
    '    esac',
    '    case "$command:$previous" in',
    ...choices.map((line) => `  ${line}`),
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _blockloom blockloom',
  ].join('\n');
}

function choicesOfArguments(command: Command): readonly string[] {
  return command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
}

function zshScript(program: Command): string {
  return ['#compdef blockloom', 'autoload -U +X bashcompinit && bashcompinit', bashScript(program)].join('\n');
}

/** What was typed so far tells the command; its words are compared one by one. */
const FISH_FUNCTIONS = `function __blockloom_is
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test "$words[2..$last]" = "$argv"
end
function __blockloom_has_no_command
    test (count (commandline -opc)) -eq (math 1 + (count $argv))
    and begin
        test (count $argv) -eq 0
        or __blockloom_is $argv
    end
end`;

function fishScript(program: Command): string {
  const offer = (condition: string, commands: readonly Command[]): string[] =>
    commands.map((command) => fishLine(condition, `-f -a ${command.name()} -d ${fishQuoted(command.description())}`));
  return [
    FISH_FUNCTIONS,
    ...offer('__blockloom_has_no_command', program.commands),
    fishLine('__blockloom_has_no_command', "-f -a help -d 'display help for command'"),
    ...offer('__blockloom_has_no_command help', program.commands),
    ...groupCommands(program).flatMap((group) => offer(`__blockloom_has_no_command ${group.name()}`, group.commands)),
    ...leafCommands(program).flatMap(({ names, command }) => {
      const condition = `__blockloom_is ${names.join(' ')}`;
      return [
        ...choicesOfArguments(command).map((choice) => fishLine(condition, `-f -a ${choice}`)),
        ...command.options.map((option) => fishLine(condition, fishOption(option))),
      ];
    }),
  ].join('\n');
}

function fishLine(condition: string, rest: string): string {
  return `complete -c blockloom -n ${fishQuoted(condition)} ${rest}`;
}

function fishOption({ long, short, description, argChoices, required, optional }: Option): string {
  const value =
    argChoices !== undefined ? ` -x -a ${fishQuoted(argChoices.join(' '))}` : required || optional ? ' -r' : '';
  return `-l ${long?.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}${value} -d ${fishQuoted(description)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
