import { closeSync, openSync, readSync } from 'node:fs';

/** At most `bytesMax` bytes of what may be a pipe. */
export function readBounded(path: string, bytesMax: number): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(bytesMax);
    let length = 0;
    for (let count = -1; count !== 0; length += count) count = readSync(fd, bytes, length, bytesMax - length, null);
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
