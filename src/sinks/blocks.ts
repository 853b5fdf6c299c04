import type { FileHandle } from 'node:fs/promises';

/** The unit of holes in a file, and of what clones of it share, in bytes. */
export const HOLE_UNIT = 4096;
const ZEROS = Buffer.alloc(HOLE_UNIT);

/** Whether the block that begins at `at`, or as much as is left of it, is all zeros. */
export function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0) return false;
  const end = Math.min(at + HOLE_UNIT, bytes.length);
  return ZEROS.compare(bytes, at, end, 0, end - at) === 0;
}

/** Writes all of `bytes`, however many calls that takes. */
export async function writeAll(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  }
}
