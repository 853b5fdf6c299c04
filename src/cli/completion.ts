import { Argument, type Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'where to complete').choices(SHELLS))
    .addHelpText('after', '\nFor bash: source <(blockloom completion bash)')
    .action((shell: Shell) => {
      console.log(shell === 'fish' ? fishScript(program) : shell === 'zsh' ? zshScript(program) : bashScript(program));
    });
}

interface Described {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly {
    readonly long: string;
    readonly short?: string | undefined;
    readonly description: string;
    readonly choices: readonly string[];
    readonly takesValue: boolean;
  }[];
}

function describe(program: Command): Described[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    flags: command.options.map(({ long, short, description, argChoices, required, optional }) => ({
      long: long ?? '',
      short,
      description,
      choices: argChoices ?? [],
      takesValue: required || optional,
    })),
  }));
}

function bashScript(program: Command): string {
  const commands = describe(program);
  const cases = commands.map(({ name, flags }) => `    ${name}) words="${flags.map(({ long }) => long).join(' ')}" ;;`);
  const choices = commands.flatMap(({ name, flags }) =>
    flags
      .filter((flag) => flag.choices.length > 0)
      .map((flag) => `    ${name}:${flag.long}) words="${flag.choices.join(' ')}" ;;`),
  );
  return [
    '_blockloom() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]}" words=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${commands.map(({ name }) => name).join(' ')}"`,
    '  else case "$command" in',
    ...cases,
    '    esac',
    '  fi',
    '  case "$command:${COMP_WORDS[COMP_CWORD-1]}" in',
    ...choices,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _blockloom blockloom',
  ].join('\n');
}

function zshScript(program: Command): string {
  return ['#compdef blockloom', 'autoload -U +X bashcompinit && bashcompinit', bashScript(program)].join('\n');
}

function fishScript(program: Command): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = describe(program).flatMap(({ name, description, flags }) => [
    `complete -c blockloom -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
    ...flags.map((flag) => {
      const short = flag.short === undefined ? '' : ` -s ${flag.short.slice(1)}`;
      const value = flag.choices.length > 0 ? ` -x -a ${quote(flag.choices.join(' '))}` : flag.takesValue ? ' -r' : '';
      const condition = quote(`__fish_seen_subcommand_from ${name}`);
      return `complete -c blockloom -n ${condition} -l ${flag.long.slice(2)}${short}${value} -d ${quote(flag.description)}`;
    }),
  ]);
  return lines.join('\n');
}
