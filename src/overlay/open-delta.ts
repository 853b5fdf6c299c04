import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, linkSync, openSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ImageError } from '../core/errors.ts';
import { BlockMap } from './block-map.ts';
import { bootId } from './boot-id.ts';
import { HostDeltaFile } from './delta-file.ts';
import { encodeHeader } from './delta-format.ts';
import { lockDelta } from './delta-lock.ts';
import { type DeltaBase, readDelta } from './delta-reader.ts';
import type { Delta } from './delta.ts';
import { deltaFailure } from './failure.ts';
import { KeptDelta } from './kept-delta.ts';
import { MapChain } from './map-chain.ts';
import { UnitAllocator } from './unit-allocator.ts';

/**
 * Opens the delta at `path` to go on with it, and makes it first where there is none. Throws `delta-corrupt`,
 * `delta-mismatch`, `delta-in-use`, or `output-failed`.
 */
export async function openDelta(path: string, base: DeltaBase): Promise<KeptDelta> {
  return withFailure(path, async () => {
    const { file, unlock } = await openLocked(path, base, 'r+');
    try {
      return await KeptDelta.resume(file, readDelta(file, base, path, bootId()), unlock);
    } catch (error) {
      file.close();
      unlock();
      throw error;
    }
  });
}

/** A delta as it is. */
export interface ReadOnlyDelta extends Pick<Delta, 'map' | 'file'> {
  close(): void;
}

/** Opens the delta at `path` to read it as it is. Throws what `openDelta` does, and where there is none, `output-failed`. */
export async function openDeltaReadOnly(path: string, base: DeltaBase): Promise<ReadOnlyDelta> {
  return withFailure(path, async () => {
    const { file, unlock } = await openLocked(path, base, 'r');
    const close = (): void => {
      file.close();
      unlock();
    };
    try {
      return { file, map: readDelta(file, base, path, bootId()).map, close };
    } catch (error) {
      close();
      throw error;
    }
  });
}

async function openLocked(
  path: string,
  base: DeltaBase,
  mode: 'r' | 'r+',
): Promise<{ file: HostDeltaFile; unlock: () => void }> {
  const fd = mode === 'r' ? openFile(path, 'r') : openOrCreate(path, base);
  try {
    if (!fstatSync(fd).isFile()) throw new ImageError('delta-corrupt', 'not a regular file', { reference: path });
    const unlock = await lockDelta(fd, path);
    // Its size may have grown until the other process ended.
    return { file: new HostDeltaFile(fd), unlock };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openOrCreate(path: string, base: DeltaBase): number {
  try {
    return openFile(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  create(path, base);
  return openFile(path, 'r+');
}

/** Opening a pipe must not wait for its other end. */
function openFile(path: string, mode: 'r' | 'r+'): number {
  return openSync(path, (mode === 'r' ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NONBLOCK);
}

/** Makes an empty delta: written whole under a temporary name, then linked, so that it replaces nothing. */
function create(path: string, { size, digest }: DeltaBase): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const fd = openSync(temporary, 'wx+', 0o600);
  try {
    const file = new HostDeltaFile(fd);
    const { id, firstPage } = MapChain.checkpoint(new BlockMap(0), file, new UnitAllocator());
    const header = {
      imageSize: size,
      baseDigest: digest,
      chainId: id,
      generation: 0,
      firstPage,
      syncedRecords: 0,
      bootId: bootId(),
    };
    file.write(0, encodeHeader(header));
    fsyncSync(fd);
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
  syncFolder(dirname(path));
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function withFailure<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw deltaFailure(path, error);
  }
}
