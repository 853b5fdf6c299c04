import { randomBytes } from 'node:crypto';
import { openSync, unlinkSync } from 'node:fs';
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
