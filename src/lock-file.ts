import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { decodeLock, encodeLock, type Lock, LOCK_BYTES_MAX } from './core/lock.ts';
import { outputFailure } from './sinks/failure.ts';
import { sourceFailure } from './sources/failure.ts';
import { readBounded } from './sources/read-bounded.ts';
import { rebaseReference } from './sources/reference.ts';

/** Reads a lock file; its references are then relative to the working directory. Throws `lock-invalid` or `layer-not-found`. */
export function readLockFile(path: string): Lock {
  let bytes: Uint8Array;
  try {
    bytes = readBounded(path, LOCK_BYTES_MAX + 1);
  } catch (error) {
    throw sourceFailure(error, { reference: path });
  }
  return rebased(decodeLock(bytes, path), folderOf(path), process.cwd());
}

/** Writes a lock file, in which relative references are relative to its folder. Throws `output-failed`. */
export async function writeLockFile(path: string, lock: Lock): Promise<void> {
  const text = encodeLock(rebased(lock, process.cwd(), folderOf(path)));
  await writeFile(path, text).catch((error: unknown) => {
    throw outputFailure(path, error);
  });
}

const folderOf = (path: string): string => dirname(resolve(path));

function rebased(lock: Lock, from: string, to: string): Lock {
  const references = lock.references.map(({ reference, pinned, ...rest }) => ({
    reference: rest.isInline === true ? reference : rebaseReference(reference, from, to),
    ...(pinned === undefined ? {} : { pinned: rebaseReference(pinned, from, to) }),
    ...rest,
  }));
  const { definition } = lock;
  return {
    ...lock,
    ...(definition === undefined ? {} : { definition: rebaseReference(definition, from, to) }),
    references,
  };
}
