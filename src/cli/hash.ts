import { type Command, Option } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { type DigestAlgorithm, hashImage } from '../sinks/digest.ts';
import { addImageOptions, described, type ImageArguments, addLayers, withImage } from './image-arguments.ts';

interface HashOptions extends ImageArguments {
  readonly algorithm: DigestAlgorithm;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom hash base.tar app.tar.gz'],
    ['blockloom hash base.tar --algorithm fsverity', 'what fsverity digest says of the file'],
  ],
};

export function addHash(program: Command, signal: AbortSignal): void {
  const command = program.command('hash').description('print the digest of the image of layers, without writing it');
  addLayers(command).addOption(
    new Option(
      '--algorithm <name>',
      "sha256 of all bytes, or fsverity: the kernel's file digest, in which zeros cost nothing",
    )
      .choices(['sha256', 'fsverity'])
      .default('sha256'),
  );
  addNotes(addImageOptions(command), NOTES).action(async (references: string[], given: HashOptions) => {
    const { layers, options } = await described(references, given);
    await withImage(layers, options, signal, async ({ image, onProgress, print }) => {
      const { algorithm, json } = options;
      const digest = await hashImage(image, algorithm, { signal, onProgress });
      print(json === true ? JSON.stringify({ algorithm, digest, size: image.size }) : digest);
    });
  });
}
