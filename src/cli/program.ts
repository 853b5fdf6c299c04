import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addNotes, type Example } from './command-notes.ts';

type AddCommand = (program: Command, signal: AbortSignal) => void;

/** The commands in the order and the groups of the help. What a command is made of takes longer to load than to run. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<AddCommand>>>>> = {
  'Make an image of layers:': {
    build: async () => (await import('./build.ts')).addBuild,
    hash: async () => (await import('./hash.ts')).addHash,
    verify: async () => (await import('./verify.ts')).addVerify,
    measure: async () => (await import('./measure.ts')).addMeasure,
    map: async () => (await import('./map.ts')).addMap,
    init: async () => (await import('./init.ts')).addInit,
  },
  'Read images back:': {
    ls: async () => (await import('./ls.ts')).addLs,
    tree: async () => (await import('./tree.ts')).addTree,
    cat: async () => (await import('./cat.ts')).addCat,
    export: async () => (await import('./export.ts')).addExport,
    diff: async () => (await import('./diff.ts')).addDiff,
    inspect: async () => (await import('./inspect.ts')).addInspect,
  },
  'Serve images, and keep what was written to them:': {
    serve: async () => (await import('./serve.ts')).addServe,
    attach: async () => (await import('./attach.ts')).addAttach,
    run: async () => (await import('./run.ts')).addRun,
    commit: async () => (await import('./commit.ts')).addCommit,
  },
  'Wares and formulas, as rio and Repeatr have them:': {
    ware: async () => (await import('./ware.ts')).addWare,
    formula: async () => (await import('./formula.ts')).addFormula,
  },
  'Around it:': {
    cache: async () => (await import('./cache.ts')).addCache,
    doctor: async () => (await import('./doctor.ts')).addDoctor,
    completion: async () => (await import('./completion.ts')).addCompletion,
  },
};

/** What tells of all commands. */
const NEEDS_ALL: readonly string[] = ['completion'];

const EXAMPLES: readonly Example[] = [
  ['blockloom build base.tar app.tar.gz -o disk.img', 'write an image, bottom layer first'],
  ['blockloom build -f image.yaml -o disk.img', 'write the image of a definition; init writes one to change'],
  ['blockloom hash base.tar app.tar.gz', 'the same digest, without writing'],
  ['blockloom verify disk.img base.tar app.tar.gz', 'is disk.img what these layers give?'],
  ['blockloom serve base.tar app.tar.gz', 'serve it over NBD, without writing'],
  ['blockloom run oci:./app -- /bin/sh -c id', 'run a command on it in a virtual machine'],
  ['blockloom ls -l disk.img /etc', 'what is in an image'],
  ['blockloom export disk.img -o disk.tar', 'the image as a tar'],
  ['blockloom map base.tar app.tar.gz --at 0x400', 'what lives at a byte offset'],
];

const EXIT_STATUS =
  'Exit status: 0 done, 1 failed, 2 wrong usage, 3 input corrupt, unsupported or not found, 4 a verification found a difference.';

/** The command tree, or of it the one command `only`; `signal` ends whatever runs. */
export async function createProgram(signal: AbortSignal, only?: string): Promise<Command> {
  const program = new Command('blockloom')
    .description('Turns layers into a byte-deterministic ext4 image.')
    .version(packageVersion())
    .option('--debug', 'show where an error came from')
    .showHelpAfterError('(blockloom help shows how)')
    .exitOverride();
  for (const [title, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(title);
    for (const [name, load] of Object.entries(commands)) {
      if (only === undefined || name === only) (await load())(program, signal);
    }
  }
  program.helpCommand('help [command]', 'display help for command');
  addNotes(program, { examples: EXAMPLES }).addHelpText('after', `\n${EXIT_STATUS}`);
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** The command that an argument names, where it can do without the others. */
export function commandNamed(argument: string | undefined): string | undefined {
  const names = Object.values(COMMANDS).flatMap((commands) => Object.keys(commands));
  return names.find((name) => name === argument && !NEEDS_ALL.includes(name));
}

function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
