import { read, readSync } from 'node:fs';

/** Fills `target` from `position` of the file, or as much as the file has; returns the count of bytes. */
export function preadSync(fd: number, target: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < target.length) {
    const count = readSync(fd, target, filled, target.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** The same, off the main thread. */
export async function pread(fd: number, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const count = await readOnce(fd, target.subarray(filled), position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function readOnce(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, 0, target.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/**
 * The whole file in pieces of at most `pieceBytes`, each its own memory. Unlike a ReadStream's, its end never closes the
 * descriptor, which another may own.
 */
export async function* piecesOf(fd: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const piece = new Uint8Array(pieceBytes);
    const count = await pread(fd, piece, position);
    if (count > 0) yield piece.subarray(0, count);
    if (count < pieceBytes) return;
    position += count;
  }
}
