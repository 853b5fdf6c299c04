import { type Command, Option } from 'commander';
import { hexOf } from '../core/bytes.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { type DigestAlgorithm, hashImage } from '../sinks/digest.ts';
import { verityJson } from './verity-text.ts';
import { addImageOptions, described, type ImageArguments, addLayers, withImage } from './image-arguments.ts';

interface HashOptions extends ImageArguments {
  readonly algorithm: DigestAlgorithm | 'verity';
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom hash base.tar app.tar.gz'],
    ['blockloom hash base.tar --algorithm fsverity', 'what fsverity digest says of the file'],
    ['blockloom hash base.tar --algorithm verity', 'the root hash of the dm-verity tree that --verity appends'],
  ],
};

export function addHash(program: Command, signal: AbortSignal): void {
  const command = program.command('hash').description('print the digest of the image of layers, without writing it');
  addLayers(command).addOption(
    new Option(
      '--algorithm <name>',
      "sha256 of all bytes, fsverity: the kernel's file digest, in which zeros cost nothing, or verity: the root hash of --verity",
    )
      .choices(['sha256', 'fsverity', 'verity'])
      .default('sha256'),
  );
  addNotes(addImageOptions(command), NOTES).action(async (references: string[], given: HashOptions) => {
    const { layers, options } = await described(references, given);
    const { algorithm, json } = options;
    const hashed = algorithm === 'verity' ? { ...options, verity: true } : options;
    await withImage(layers, hashed, signal, async ({ image, verity, onProgress, print }) => {
      const digest =
        algorithm === 'verity' ? hexOf(verity!.rootHash) : await hashImage(image, algorithm, { signal, onProgress });
      const tree = verity === undefined ? {} : { verity: verityJson(verity) };
      print(json === true ? JSON.stringify({ algorithm, digest, size: image.size, ...tree }) : digest);
    });
  });
}
