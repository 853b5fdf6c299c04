import { type Command, Option } from 'commander';
import { type DigestAlgorithm, hashImage } from '../sinks/digest.ts';
import {
  addImageOptions,
  type ImageArguments,
  layersArgument,
  openArguments,
  progressStyle,
} from './image-arguments.ts';
import { startProgress } from './progress.ts';

interface HashOptions extends ImageArguments {
  readonly algorithm: DigestAlgorithm;
}

export function addHash(program: Command, signal: AbortSignal): void {
  const command = program
    .command('hash')
    .description('print the digest of the image of layers, without writing it')
    .argument(...layersArgument);
  command.addOption(
    new Option(
      '--algorithm <name>',
      "sha256 of all bytes, or fsverity: the kernel's file digest, in which zeros cost nothing",
    )
      .choices(['sha256', 'fsverity'])
      .default('sha256'),
  );
  addImageOptions(command).action(async (layers: string[], options: HashOptions) => {
    const { image } = await openArguments(layers, options, signal);
    const progress = startProgress('hashing', progressStyle(options));
    try {
      const digest = await hashImage(image, options.algorithm, { signal, onProgress: progress.update });
      progress.end();
      console.log(
        options.json === true ? JSON.stringify({ algorithm: options.algorithm, digest, size: image.size }) : digest,
      );
    } finally {
      progress.end();
      image.close();
    }
  });
}
