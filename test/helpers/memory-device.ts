import type { BlockDevice } from '../../src/core/ext4/reader/block-reader.ts';

/** A device of bytes in memory. */
export function memoryDevice(bytes: Uint8Array): BlockDevice {
  return {
    size: bytes.length,
    read(offset, target) {
      if (offset < 0 || offset + target.length > bytes.length) throw new RangeError(`${offset} of ${bytes.length}`);
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}
