import { statSync } from 'node:fs';
import { ImageError } from '../core/errors.ts';
import type { Image } from '../image/image.ts';
import { targetOf, writeImage, type WriteImageOptions } from '../sinks/file-sink.ts';
import type { WrittenImage } from '../sinks/overwrite.ts';
import { streamImage } from '../sinks/stream-sink.ts';

/** Names standard output, which the image has for itself then. */
export const STDOUT = '-';

/** Writes an image to a file, or to STDOUT. Throws as `writeImage` does. */
export async function writeOutput(image: Image, output: string, options: WriteImageOptions): Promise<WrittenImage> {
  if (output !== STDOUT) return writeImage(image, output, options);
  const { sha256 } = await streamImage(image, process.stdout, options);
  options.check?.(sha256);
  return { sha256 };
}

/**
 * Refuses a file that cannot be written, or that is one of the inputs it is made from. Throws `output-exists`,
 * `output-failed` or `option-invalid`.
 */
export async function checkOutput(output: string, force: boolean, inputs: readonly string[]): Promise<void> {
  if (output === STDOUT) return;
  await targetOf(output, force);
  const file = fileAt(output);
  const same = inputs.find((input) => file !== undefined && fileAt(input) === file);
  if (same !== undefined) throw new ImageError('option-invalid', `${output} is read from, as ${same}`);
}

/** The device and inode at a path; undefined where there is none, or none to be seen: opening it will say so. */
function fileAt(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
