import { expect, it } from 'vitest';
import { Filesystem } from '../../../../../src/core/ext4/reader/filesystem.ts';

it.each([
  [54, 'FAT12   ', 'a FAT filesystem'],
  [54, 'FAT16   ', 'a FAT filesystem'],
  [82, 'FAT32   ', 'a FAT filesystem'],
  [257, 'ustar\0', 'a tar'],
])('what is no ext4 is named: %i', (offset, text, name) => {
  const bytes = new Uint8Array(4096);
  bytes.set(new TextEncoder().encode(text), offset);
  const device = {
    size: bytes.length,
    read: (at: number, to: Uint8Array) => to.set(bytes.subarray(at, at + to.length)),
  };
  expect(() => new Filesystem(device)).toThrow(
    expect.objectContaining({ code: 'image-unsupported', message: `${name}, where ext4, ext3 or ext2 is expected` }),
  );
});
