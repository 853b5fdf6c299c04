import type { Command } from 'commander';
import type { Ext4Plan } from '../core/ext4/layout.ts';
import type { PlannedImage } from '../image/image.ts';
import { compareFile, type Difference } from '../sinks/compare.ts';
import { ExitCode } from './failure.ts';
import {
  addImageOptions,
  type ImageArguments,
  layersArgument,
  openArguments,
  progressStyle,
} from './image-arguments.ts';
import { startProgress } from './progress.ts';

export function addVerify(program: Command, signal: AbortSignal): void {
  const command = program
    .command('verify')
    .description('compare a file with the image of layers; exit status 4 when they differ')
    .argument('<file>', 'the file to verify')
    .argument(...layersArgument);
  addImageOptions(command).action(async (file: string, layers: string[], options: ImageArguments) => {
    const { image } = await openArguments(layers, options, signal);
    const progress = startProgress('verifying', progressStyle(options));
    try {
      const comparison = await compareFile(image, file, { signal, onProgress: progress.update });
      progress.end();
      if ('sha256' in comparison) {
        console.log(
          options.json === true ? JSON.stringify({ same: true, ...comparison }) : `same ${comparison.sha256}`,
        );
        return;
      }
      printDifference(image, comparison.difference, options.json === true);
      process.exitCode = ExitCode.different;
    } finally {
      progress.end();
      image.close();
    }
  });
}

function printDifference(image: PlannedImage<Ext4Plan>, { offset, label }: Difference, json: boolean): void {
  const block = Math.floor(offset / image.plan.geometry.blockSize);
  console.log(
    json
      ? JSON.stringify({ same: false, block, offset, label })
      : `different from block ${block} (byte ${offset}, 0x${offset.toString(16)}): ${label}`,
  );
}
