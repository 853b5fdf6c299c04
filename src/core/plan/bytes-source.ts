import type { BytesSource } from './plan.ts';

/** A source of bytes that are made already. */
export function bytesSource(bytes: Uint8Array, label: string): BytesSource {
  return {
    length: bytes.length,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    label: () => label,
    labelUnit: bytes.length,
  };
}
