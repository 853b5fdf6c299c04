import { statSync } from 'node:fs';
import { ImageError } from '../core/errors.ts';
import { targetOf } from '../sinks/file-sink.ts';

/**
 * Refuses an output that cannot be written, or that is one of the inputs it is made from. Throws `output-exists`,
 * `output-failed` or `option-invalid`.
 */
export async function checkOutput(output: string, force: boolean, inputs: readonly string[]): Promise<void> {
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
