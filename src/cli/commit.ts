import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import type { Image } from '../image/image.ts';
import { openMergedImage } from '../merged-image.ts';
import { addDryRun, dryRunText, tryOutput } from './dry-run.ts';
import { addImageOptions, described, type ImageArguments, addLayers, pathsOf } from './image-arguments.ts';
import { withProgress } from './common-options.ts';
import { allocatedBytes } from './measures.ts';
import { HOLE_UNIT } from '../sinks/blocks.ts';
import { checkOutput, STDOUT, writeOutput } from './output.ts';
import type { ProgressLine } from './progress.ts';
import { refuseHashTree } from './serve-writable.ts';
import { formatSize } from './units.ts';
import { closeExports, openExports } from './serve-exports.ts';

interface CommitOptions extends ImageArguments {
  readonly delta: string;
  readonly output: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom serve base.tar --delta work.delta'],
    ['blockloom commit base.tar --delta work.delta -o new.img', 'with the same layers and options'],
  ],
};

export function addCommit(program: Command, signal: AbortSignal): void {
  const command = program
    .command('commit')
    .description('write the image of layers, with what clients of serve have written to it, to a file');
  addLayers(command, '; or the file of an image')
    .requiredOption('--delta <file>', 'what serve --delta has kept, for the same layers and options')
    .requiredOption('-o, --output <file>', 'where the image goes; - for standard output')
    .option('--force', 'replace the file when it exists');
  addNotes(addImageOptions(addDryRun(command)), NOTES).action(async (references: string[], given: CommitOptions) => {
    const { layers, options } = await described(references, given);
    refuseHashTree(options);
    await checkOutput(options.output, options.force ?? false, [options.delta, ...pathsOf(layers, options.disk)]);
    await commit(layers, options, signal);
  });
}

async function commit(layers: readonly LayerInput[], options: CommitOptions, signal: AbortSignal): Promise<void> {
  const { delta, output, force, json } = options;
  await withProgress(options, async (progress) => {
    const exports = [{ name: '', layers }];
    const opened = await openExports(exports, options, signal, progress);
    try {
      const { show: onProgress } = progress;
      const merged = await openMergedImage(opened[0]!.image, delta, { signal, onProgress });
      try {
        if (options.dryRun === true) return await tryCommit(merged, options, progress);
        const { sha256 } = await writeOutput(merged, output, { signal, force, onProgress });
        progress.end();
        const result =
          json === true ? JSON.stringify({ file: output, sha256, size: merged.size }) : `${sha256}  ${output}`;
        if (output === STDOUT) console.error(result);
        else console.log(result);
      } finally {
        merged.close();
      }
    } finally {
      closeExports(opened);
    }
  });
}

async function tryCommit(merged: Image, { output, force, json }: CommitOptions, progress: ProgressLine): Promise<void> {
  const measures = { size: merged.size, allocated: allocatedBytes(merged, HOLE_UNIT) };
  const run = await tryOutput(output, force ?? false, measures);
  const rows = Object.entries(measures).map(([name, value]) => [name, `${value} (${formatSize(value)})`] as const);
  progress.end();
  console.log(dryRunText(run, rows, {}, json));
}
