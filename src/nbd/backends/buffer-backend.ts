import type { Backend } from '../backend.ts';

/** Serves bytes in memory; with `writable` clients change them. */
export function bufferBackend(bytes: Uint8Array, { writable = false } = {}): Backend {
  const readOnly: Backend = {
    size: bytes.length,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  };
  if (!writable) return readOnly;
  const zero = (offset: number, length: number): void => void bytes.fill(0, offset, offset + length);
  return { ...readOnly, write: (offset, source) => bytes.set(source, offset), zero, trim: zero };
}
