import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import type { Formula, FormulaContext } from '../core/formula/formula.ts';
import { formulaId } from '../core/formula/formula-id.ts';
import { parseFormula } from '../core/formula/parse-formula.ts';
import { type FormulaGuest, formulaGuest } from '../formula-guest.ts';
import { openFormulaImage } from '../formula-workspace.ts';
import { hostArchitecture } from '../guest/boot-files.ts';
import type { RunningGuest } from '../guest/run-guest.ts';
import { runFormula, warpforgeRecord } from '../run-formula.ts';
import { reasonOf } from '../sinks/failure.ts';
import type { OpenLayersOptions } from '../sources/open-layers.ts';
import { defaultCacheDirectory } from '../sources/store/cache-directory.ts';
import { sha384 } from '../sources/ware/fileset.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { withProgress } from './common-options.ts';
import { GuestSignals } from './guest-signals.ts';
import { addImageOptions, type ImageArguments, withOpened } from './image-arguments.ts';
import { checkOutput, STDOUT, writeOutput } from './output.ts';
import { RioStatus } from './rio-status.ts';
import { addBootOptions, type RunArguments } from './run-options.ts';
import { parseSize } from './values.ts';
import { addWareOptions, EXIT_STATUS, sourceOptions, timeOf, type WareArguments } from './ware-arguments.ts';

interface FormulaImageArguments extends ImageArguments {
  readonly output: string;
  readonly force?: boolean;
}

interface FormulaRunArguments
  extends WareArguments,
    Pick<
      RunArguments,
      'kernel' | 'modules' | 'busybox' | 'append' | 'machine' | 'accel' | 'memory' | 'cpus' | 'kernelLog'
    > {
  /** In bytes. */
  readonly free: number;
}

const CPUS_DEFAULT = 2;

const FILE = "a formula with its context, in Repeatr's form or in Warpforge's, JSON; - for standard input";

const RUN_NOTES: CommandNotes = {
  notes: [
    'Wares are fetched from the fetchUrls of the context, verified, and mounted in the order of their paths, each hiding what lies below it. What an output packs is saved to its saveUrl; one that does not exist is TYPE:-.',
    "A command runs in a guest, on an ext4 image of the inputs, as the formula's user; what it prints goes to standard error. Policies are not applied, and a warning says so.",
    'Exit status 32: the command ended with another status than 0, which is in the run record; 40: the command or its directory is not there; 42: the guest failed.',
    EXIT_STATUS,
  ],
  examples: [
    ['blockloom formula run stitch.formula'],
    ["blockloom formula run stitch.formula | jq -r '.results[]'", 'the wares that it made'],
  ],
};

const IMAGE_NOTES: CommandNotes = {
  notes: [
    'Times are those of the wares, unless --mtime says otherwise. A host directory (mount:ro:PATH) is in the image as it is now.',
    EXIT_STATUS,
  ],
  examples: [['blockloom formula image build.formula -o root.img', 'what the formula would run on']],
};

const ID_NOTES: CommandNotes = {
  notes: [EXIT_STATUS],
  examples: [['blockloom formula id build.formula', 'the formulaID of its run records']],
};

export function addFormula(program: Command, signal: AbortSignal): void {
  const formula = program
    .command('formula')
    .description("name and run Repeatr's and Warpforge's formulas, and make images of their inputs");
  const run = formula
    .command('run')
    .description('put the inputs of a formula together, run its command, pack its outputs, and print the run record')
    .argument('<file>', FILE)
    .addOption(
      new Option('--free <size>', 'room for what a command writes').argParser(parseSize).default(2 ** 30, '1G'),
    )
    .option('--kernel-log', 'print what the kernel of the guest says, on standard error');
  addNotes(addWareOptions(addBootOptions(run).optionsGroup('Options:')), RUN_NOTES).action(
    async (file: string, options: FormulaRunArguments) => printRun(file, options, signal),
  );
  const image = formula
    .command('image')
    .description('write the filesystem that a formula begins with as an image')
    .argument('<file>', FILE)
    .requiredOption('-o, --output <file>', 'where the image goes; - for standard output')
    .option('--force', 'replace the file when it exists');
  addNotes(addImageOptions(image), IMAGE_NOTES).action(async (file: string, options: FormulaImageArguments) =>
    writeFormulaImage(file, options, signal),
  );
  const id = formula.command('id').description('print the name of a formula').argument('<file>', FILE);
  addNotes(id.option('--json', 'print the result as JSON'), ID_NOTES).action(
    (file: string, { json }: { json?: boolean }) => {
      const name = formulaId(readFormula(file).formula, sha384());
      console.log(json === true ? JSON.stringify({ formulaID: name }) : name);
    },
  );
}

/** Throws `formula-invalid` for what cannot be read, too. */
function readFormula(file: string): { formula: Formula; context: FormulaContext } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new ImageError('formula-invalid', `${file} cannot be read: ${reasonOf(error)}`, {}, { cause: error });
  }
  return parseFormula(bytes, file, timeOf);
}

async function printRun(file: string, options: FormulaRunArguments, signal: AbortSignal): Promise<void> {
  const { formula, context } = readFormula(file);
  await withProgress(options, async (progress) => {
    const signals = formula.action.noop === true ? undefined : new GuestSignals();
    try {
      const opening = sourceOptions(options, signal, progress);
      const guest = guestOf(options, opening, (running) => {
        progress.end();
        if (signals !== undefined) signals.guest = running;
      });
      const machine = guest === undefined ? undefined : formulaGuest(guest);
      const record = await runFormula(formula, context, machine, { ...opening, free: options.free });
      progress.end();
      const printed = formula.warpforge === undefined ? record : warpforgeRecord(record);
      console.log(JSON.stringify(printed, null, options.json === true ? 0 : 4));
      if (record.exitCode !== 0) process.exitCode = RioStatus.jobUnsuccessful;
    } finally {
      signals?.stop();
    }
  });
}

function guestOf(
  options: FormulaRunArguments,
  { onWarning = () => undefined }: OpenLayersOptions,
  onStart: (guest: RunningGuest) => void,
): FormulaGuest | undefined {
  const { kernel, modules, busybox, append, machine, accel: accelerator, memory, cpus, cache } = options;
  const architecture = hostArchitecture();
  if (architecture === undefined) return undefined;
  return {
    architecture,
    machine,
    accelerator,
    memory,
    cpus: cpus ?? Math.min(CPUS_DEFAULT, availableParallelism()),
    cache: cache === false ? undefined : cache === true ? defaultCacheDirectory() : cache,
    kernel,
    modules,
    busybox,
    append,
    output: process.stderr,
    onLog: options.kernelLog === true ? (chunk) => void process.stderr.write(chunk) : undefined,
    onWarning,
    onStart,
  };
}

async function writeFormulaImage(file: string, given: FormulaImageArguments, signal: AbortSignal): Promise<void> {
  const { output, force = false, json } = given;
  const { formula, context } = readFormula(file);
  await checkOutput(output, force, [file]);
  await withOpened(
    async (options) => ({ opened: await openFormulaImage(formula, context, options), options }),
    given,
    signal,
    async ({ image, onProgress, print }) => {
      const { sha256 } = await writeOutput(image, output, { signal, onProgress, force });
      const result =
        json === true ? JSON.stringify({ file: output, sha256, size: image.size }) : `${sha256}  ${output}`;
      print(result, output === STDOUT ? 'stderr' : 'stdout');
    },
  );
}
