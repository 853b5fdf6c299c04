import { crc32c } from 'ext2fs-wasm';
import { describe, expect, it } from 'vitest';
import { type FeatureName, featuresOf } from '../../../../src/core/ext4/features.ts';
import { journalSuperblock } from '../../../../src/core/ext4/journal.ts';
import { journalBlocksOf } from '../../../../src/core/ext4/journal-size.ts';

describe('the journal of a filesystem of', () => {
  const GROUPS = 32_768;
  it.each([
    [1, 1024],
    [GROUPS - 1, 1024],
    [GROUPS, 4096],
    [8 * GROUPS - 1, 4096],
    [8 * GROUPS, 8192],
    [16 * GROUPS - 1, 8192],
    [16 * GROUPS, 16_384],
    [128 * GROUPS - 1, 16_384],
    [128 * GROUPS, 32_768],
    [256 * GROUPS - 1, 32_768],
    [256 * GROUPS, 65_536],
    [512 * GROUPS - 1, 65_536],
    [512 * GROUPS, 131_072],
    [1024 * GROUPS - 1, 131_072],
    [1024 * GROUPS, 262_144],
    [2 ** 40, 262_144],
  ])('%d blocks has %d', (blocks, journalBlocks) => {
    expect(journalBlocksOf(blocks)).toBe(journalBlocks);
  });
});

describe("an empty journal's superblock", () => {
  const uuid = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
  const make = (...features: FeatureName[]): Buffer =>
    Buffer.from(journalSuperblock(5000, 2048, uuid, featuresOf({ fs: 'ext4', journal: {}, features })));

  // Offsets of https://docs.kernel.org/filesystems/ext4/journal.html
  it('has these fields, and no others', () => {
    const fields = new Map([
      [0x0, 0xc03b3998],
      [0x4, 4],
      [0xc, 2048],
      [0x10, 5000],
      [0x14, 1],
      [0x18, 1],
      [0x28, 0x10],
      [0x40, 1],
      [0x50, 0x0400_0000],
    ]);
    const bytes = make();
    const expected = Buffer.alloc(1024);
    for (const [offset, value] of fields) expected.writeUInt32BE(value, offset);
    expected.set(uuid, 0x30);
    expected.writeUInt32BE(crc32c(0xffff_ffff, expected), 0xfc);
    expect(bytes.toString('hex')).toBe(expected.toString('hex'));
  });

  it('has tags for block numbers of 64 bits with 64bit', () => {
    expect(make('64bit').readUInt32BE(0x28)).toBe(0x12);
  });
});
