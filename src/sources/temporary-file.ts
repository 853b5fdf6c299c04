import { randomBytes } from 'node:crypto';
import { openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../core/errors.ts';
import { errnoOf } from './failure.ts';
import { prepareStaging } from './store/cache-directory.ts';

/** Opens a new file without a name, in the cache where that can be written, to be read and written. Throws `output-failed`. */
export function openTemporaryFile(cache: string | undefined): number {
  try {
    if (cache !== undefined) return openUnlinked(prepareStaging(cache));
  } catch {
    // A cache that cannot be written is no reason to fail, and was warned of.
  }
  try {
    return openUnlinked(tmpdir());
  } catch (error) {
    throw new ImageError(
      'output-failed',
      `no temporary file can be made in ${tmpdir()} (${errnoOf(error)})`,
      {},
      { cause: error },
    );
  }
}

function openUnlinked(folder: string): number {
  const path = join(folder, randomBytes(16).toString('hex'));
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}

/** Writes to such a file. Throws `output-failed`. */
export function writeTemporary(fd: number, bytes: Uint8Array, position: number): void {
  try {
    for (let written = 0; written < bytes.length; )
      written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  } catch (error) {
    const what = `a temporary file cannot be written (${errnoOf(error)})`;
    throw new ImageError('output-failed', what, {}, { cause: error });
  }
}
