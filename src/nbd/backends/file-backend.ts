import { closeSync, fdatasync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Backend } from '../backend.ts';

const datasync = promisify(fdatasync);

/**
 * Serves a file, or a block device whose size is told. It is read and written blocking, which is twice as fast as Node's
 * thread pool while the page cache has the data. Throws what opening it throws.
 */
export function fileBackend(
  path: string,
  { writable = false, size }: { writable?: boolean; size?: number } = {},
): Backend {
  const fd = openSync(path, writable ? 'r+' : 'r');
  const readOnly: Backend = {
    size: size ?? fstatSync(fd).size,
    read: (offset, target) => readAll(fd, offset, target),
    close: () => closeSync(fd),
  };
  if (!writable) return readOnly;
  return { ...readOnly, write: (offset, source) => writeAll(fd, offset, source), flush: async () => datasync(fd) };
}

function readAll(fd: number, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, offset + done);
    if (count === 0) throw new Error(`the file ends at ${offset + done}, before the export does`);
    done += count;
  }
}

function writeAll(fd: number, offset: number, source: Uint8Array): void {
  for (let done = 0; done < source.length; ) {
    done += writeSync(fd, source, done, source.length - done, offset + done);
  }
}
