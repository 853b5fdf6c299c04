import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import { type Formula, type FormulaContext, parseFormula } from '../core/formula/formula.ts';
import { formulaId } from '../core/formula/formula-id.ts';
import { openFormulaImage } from '../formula-workspace.ts';
import { runFormula } from '../run-formula.ts';
import { reasonOf } from '../sinks/failure.ts';
import { sha384 } from '../sources/ware/fileset.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { withProgress } from './common-options.ts';
import { addImageOptions, type ImageArguments, withOpened } from './image-arguments.ts';
import { checkOutput, STDOUT, writeOutput } from './output.ts';
import { addWareOptions, EXIT_STATUS, sourceOptions, timeOf, type WareArguments } from './ware-arguments.ts';

interface FormulaImageArguments extends ImageArguments {
  readonly output: string;
  readonly force?: boolean;
}

const FILE = 'a formula with its context, JSON; - for standard input';

const RUN_NOTES: CommandNotes = {
  notes: [
    'Wares are fetched from the fetchUrls of the context, verified, and mounted in the order of their paths, each hiding what lies below it. What an output packs is saved to its saveUrl; one that does not exist is TYPE:-. Only noop formulas are run.',
    EXIT_STATUS,
  ],
  examples: [
    ['blockloom formula run stitch.formula'],
    ["blockloom formula run stitch.formula | jq -r '.results[]'", 'the wares that it made'],
  ],
};

const IMAGE_NOTES: CommandNotes = {
  notes: [
    'Times are those of the wares, unless --mtime says otherwise. A host directory (mount:) is refused: an image holds wares only.',
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
    .description("name and run Repeatr's formulas, and make images of their inputs");
  const run = formula
    .command('run')
    .description('put the inputs of a formula together, pack its outputs, and print the run record')
    .argument('<file>', FILE);
  addNotes(addWareOptions(run), RUN_NOTES).action(async (file: string, options: WareArguments) =>
    printRun(file, options, signal),
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

async function printRun(file: string, options: WareArguments, signal: AbortSignal): Promise<void> {
  const { formula, context } = readFormula(file);
  await withProgress(options, async (progress) => {
    const record = await runFormula(formula, context, sourceOptions(options, signal, progress));
    progress.end();
    console.log(JSON.stringify(record, null, options.json === true ? 0 : 4));
  });
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
