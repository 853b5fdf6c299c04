import type { Command } from 'commander';
import type { Ext4Plan } from '../core/ext4/layout.ts';
import type { PlannedImage } from '../image/image.ts';
import { compareFile, type Difference } from '../sinks/compare.ts';
import { ExitCode } from './failure.ts';
import { addImageOptions, type ImageArguments, layersArgument, withImage } from './image-arguments.ts';

export function addVerify(program: Command, signal: AbortSignal): void {
  const command = program
    .command('verify')
    .description('compare a file with the image of layers; exit status 4 when they differ')
    .argument('<file>', 'the file to verify')
    .argument(...layersArgument);
  addImageOptions(command).action(async (file: string, layers: string[], options: ImageArguments) =>
    withImage(layers, options, signal, async ({ image, onProgress, print }) => {
      const json = options.json === true;
      const comparison = await compareFile(image, file, { signal, onProgress });
      if ('difference' in comparison) {
        print(differenceText(image, comparison.difference, json));
        process.exitCode = ExitCode.different;
      } else print(json ? JSON.stringify({ same: true, ...comparison }) : `same ${comparison.sha256}`);
    }),
  );
}

function differenceText(image: PlannedImage<Ext4Plan>, { offset, label }: Difference, json: boolean): string {
  const block = Math.floor(offset / image.plan.geometry.blockSize);
  if (json) return JSON.stringify({ same: false, block, offset, label });
  return `different from block ${block} (byte ${offset}, 0x${offset.toString(16)}): ${label}`;
}
