import type { Backend, ZeroOptions } from '../backend.ts';

const ZEROS = new Uint8Array(128 * 1024);
/** Written before others have their turn. */
const TURN_PIECES = 8;

/** WRITE_ZEROES for a backend that can only write. */
export async function writeZeros(
  backend: Backend,
  offset: number,
  length: number,
  { fast }: ZeroOptions,
): Promise<void> {
  if (fast) throw Object.assign(new Error('zeros are written as data'), { code: 'ENOTSUP' });
  for (let done = 0, pieces = 1; done < length; pieces++) {
    // A backend may keep what it is given until it is done, but never changes it.
    const piece = ZEROS.subarray(0, Math.min(ZEROS.length, length - done));
    await backend.write?.(offset + done, piece);
    done += piece.length;
    if (pieces % TURN_PIECES === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
