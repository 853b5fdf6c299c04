import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ImageError } from '../core/errors.ts';
import type { Image } from '../image/image.ts';
import { HOLE_UNIT, isZeroBlock, writeAll } from './blocks.ts';
import { imageHash } from './digest.ts';
import { outputFailure } from './failure.ts';
import { overwrite, type WrittenImage } from './overwrite.ts';
import { pump, type PumpOptions } from './pump.ts';
import { checkReusable, type NewFile, openReusing, type Reuse } from './reflink.ts';
import { WriteBack } from './write-back.ts';

/** How an image is written. */
export interface WriteImageOptions extends PumpOptions {
  /** Replace a file that exists. */
  readonly force?: boolean | undefined;
  /** Told the SHA-256 before the file takes its place; when it throws, nothing is left behind. */
  readonly check?: ((sha256: string) => void) | undefined;
  /** Share the blocks that are the same in an older file, which may be the one that is replaced. */
  readonly reuse?: Reuse | undefined;
}

/**
 * Writes an image to `path`: sparse, under a temporary name in the same folder, synced, then renamed.
 * Throws `output-exists`, `output-failed`, `layer-not-found` for a file to reuse, or what reading the image throws; then nothing
 * is left behind.
 */
export async function writeImage(image: Image, path: string, options: WriteImageOptions = {}): Promise<WrittenImage> {
  const { reuse, check } = options;
  if (reuse !== undefined) await checkReusable(reuse.file);
  return replaceFile(
    path,
    options,
    async ({ file, isClone }) => {
      const written = await (isClone ? overwrite : fill)(file, image, options);
      check?.(written.sha256);
      return written;
    },
    async (temporary) => openReusing(temporary, reuse),
  );
}

/**
 * Has a file written under a temporary name in the folder of `path`, then renames it. Throws `output-exists`, `output-failed`, or
 * what `write` throws; then nothing is left behind.
 */
export async function replaceFile<T>(
  path: string,
  { force = false, signal }: Pick<WriteImageOptions, 'force' | 'signal'>,
  write: (file: NewFile) => Promise<T>,
  openNew: (path: string) => Promise<NewFile> = openReusing,
): Promise<T> {
  const target = await targetOf(path, force);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await openNew(temporary).catch((error: unknown) => {
    throw outputFailure(path, error);
  });
  try {
    const result = await writeAndClose(file, write);
    signal?.throwIfAborted();
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw outputFailure(path, error);
  }
}

async function writeAndClose<T>(file: NewFile, write: (file: NewFile) => Promise<T>): Promise<T> {
  try {
    return await write(file);
  } finally {
    await file.file.close();
  }
}

/**
 * Where an image for `path` goes: behind symlinks, and only ever in the place of a regular file. Throws `output-exists` or
 * `output-failed`.
 */
export async function targetOf(path: string, force: boolean): Promise<string> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return path;
  if (stats.isSymbolicLink()) {
    const target = await realpath(path).catch((error: unknown) => {
      throw outputFailure(path, error);
    });
    return targetOf(target, force);
  }
  if (!stats.isFile())
    throw new ImageError('output-failed', `${path} is ${kindOf(stats)}; -o - writes to standard output`);
  if (!force) throw new ImageError('output-exists', `${path} exists; --force replaces it`);
  return path;
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isBlockDevice()) return 'a block device';
  return 'not a regular file';
}

/** Writes the whole image. */
async function fill(file: FileHandle, image: Image, options: PumpOptions): Promise<WrittenImage> {
  const hash = imageHash('sha256');
  const writeBack = new WriteBack(file);
  const data = (offset: number, bytes: Uint8Array): Promise<void> => {
    const written = writeData(file, offset, bytes).then(() => writeBack.wrote(bytes.length));
    hash.update(bytes);
    return written;
  };
  await file.truncate(image.size);
  await pump(image, 'writing', { data, hole: (_, length) => hash.zeros(length) }, options);
  image.verifyUnchanged();
  await writeBack.finish();
  return { sha256: hash.digest() };
}

/** Writes the blocks that are not all zeros; the rest of the file is a hole already. */
async function writeData(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const start = skipBlocks(bytes, at, true);
    at = skipBlocks(bytes, start, false);
    await writeAll(file, offset + start, bytes.subarray(start, at));
  }
}

/** The first block from `at` on that is not all zeros, or that is. */
function skipBlocks(bytes: Uint8Array, at: number, zero: boolean): number {
  while (at < bytes.length && isZeroBlock(bytes, at) === zero) at += HOLE_UNIT;
  return Math.min(at, bytes.length);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
