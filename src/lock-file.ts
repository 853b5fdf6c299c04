import { writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { LockedDisk } from './core/lock/disk.ts';
import type { LockedFiles } from './core/lock/files.ts';
import { decodeLock, encodeLock, type Lock, LOCK_BYTES_MAX } from './core/lock/lock.ts';
import type { LockedReference } from './core/lock/reference.ts';
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
  return rebased(decodeLock(bytes, path), { from: folderOf(path), to: process.cwd() });
}

/** Writes a lock file, in which relative references are relative to its folder. Throws `output-failed`. */
export async function writeLockFile(path: string, lock: Lock): Promise<void> {
  const text = encodeLock(rebased(lock, { from: process.cwd(), to: folderOf(path) }));
  await writeFile(path, text).catch((error: unknown) => {
    throw outputFailure(path, error);
  });
}

const folderOf = (path: string): string => dirname(resolve(path));

/** Relative paths of one folder become those of another; both are absolute. */
interface Move {
  readonly from: string;
  readonly to: string;
}

function rebased(lock: Lock, move: Move): Lock {
  const { references, disk } = lock;
  return {
    ...lock,
    references: references.map((reference) => rebasedReference(reference, move)),
    ...(disk === undefined ? {} : { disk: rebasedDisk(disk, move) }),
  };
}

function rebasedReference({ reference, at, files, pinned, ...rest }: LockedReference, move: Move): LockedReference {
  const { from, to } = move;
  return {
    reference: files === undefined ? rebaseReference(reference, from, to) : reference,
    ...(at === undefined ? {} : { at }),
    ...(files === undefined ? {} : { files: rebasedFiles(files, move) }),
    ...(pinned === undefined ? {} : { pinned: rebaseReference(pinned, from, to) }),
    ...rest,
  };
}

function rebasedFiles(files: LockedFiles, move: Move): LockedFiles {
  return Object.fromEntries(Object.entries(files).map(([path, entry]) => [path, rebasedFile(entry, move)]));
}

function rebasedDisk(disk: LockedDisk, move: Move): LockedDisk {
  const { esp, boot, partitions } = disk;
  const moved = (references: readonly LockedReference[]): LockedReference[] =>
    references.map((reference) => rebasedReference(reference, move));
  return {
    ...disk,
    ...(esp === undefined ? {} : { esp: { ...esp, references: moved(esp.references) } }),
    ...(boot === undefined
      ? {}
      : {
          boot: {
            ...boot,
            kernel: rebasedFile(boot.kernel, move),
            ...(boot.initrd === undefined ? {} : { initrd: rebasedFile(boot.initrd, move) }),
            efi: rebasedFile(boot.efi, move),
          },
        }),
    partitions: partitions.map((partition) =>
      'references' in partition
        ? { ...partition, references: moved(partition.references) }
        : rebasedFile(partition, move),
    ),
  };
}

/** What may be a file of the host. */
function rebasedFile<T extends object>(value: T, { from, to }: Move): T {
  if (!('file' in value) || typeof value.file !== 'string' || from === to || isAbsolute(value.file)) return value;
  const path = relative(to, resolve(from, value.file));
  return { ...value, file: path.startsWith('..') ? path : `./${path}` };
}
