import { constants } from 'node:fs';
import { copyFile, type FileHandle, open, rm, stat } from 'node:fs/promises';
import { ImageError } from '../core/errors.ts';
import { comparisonFailure, reasonOf } from './failure.ts';

/**
 * Whether extents are shared, as in `cp --reflink`: where the filesystem can, or else it is an error, or never.
 */
export type Reflink = 'auto' | 'always' | 'never';

/** A file whose extents a new one shares where they hold the same. */
export interface Reuse {
  readonly file: string;
  /** Default: `auto`. */
  readonly reflink?: Reflink | undefined;
  /** Told why nothing is shared, with `auto`. */
  readonly onWarning?: ((warning: string) => void) | undefined;
}

/** A new file that is open for reading and writing. */
export interface NewFile {
  readonly file: FileHandle;
  /** Whether it holds what the reused file did, and not nothing. */
  readonly isClone: boolean;
}

/** Throws `layer-not-found` for what is no regular file, or cannot be seen. */
export async function checkReusable(path: string): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => {
    throw comparisonFailure(path, error);
  });
  if (!stats.isFile()) throw new ImageError('layer-not-found', `${path} is no regular file: nothing can be shared`);
}

/** Opens a new file at `path`, which is a clone where one can be had. Throws `output-failed` or an error of the system. */
export async function openReusing(path: string, reuse?: Reuse): Promise<NewFile> {
  if (reuse !== undefined && reuse.reflink !== 'never') {
    try {
      return { file: await openClone(reuse.file, path), isClone: true };
    } catch (error) {
      const what = `no blocks of ${reuse.file} can be shared: ${reasonOf(error)}`;
      if (reuse.reflink === 'always') throw new ImageError('output-failed', what, {}, { cause: error });
      reuse.onWarning?.(`${what}; the whole image is written`);
    }
  }
  return { file: await open(path, 'wx'), isClone: false };
}

/** Opens a new file that shares all extents of `source` (FICLONE). Throws errors of the system; nothing is left then. */
async function openClone(source: string, path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+');
  try {
    const { mode } = await file.stat();
    await copyFile(source, path, constants.COPYFILE_FICLONE_FORCE);
    // The copy has its source's permissions, and is to have those of any new file.
    await file.chmod(mode & 0o7777);
    return file;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
