import { describe, expect, it } from 'vitest';
import {
  reservedGdtBlocks,
  resizeInodeBlock,
  resizeInodeBlocks,
  resizeInodeSize,
} from '../../../../src/core/ext4/resize-inode.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

const MIB = 1024 * 1024;

describe('the resize inode of 26 groups', () => {
  const { geometry } = planLayers([], { blockSize: 1024, journal: true, size: 8 * 26 * MIB });
  const words = (bytes: Uint8Array): number[] => Array.from(new Uint32Array(bytes.slice().buffer));

  it('names each reserved block at the place that its descriptors will have', () => {
    expect(geometry).toMatchObject({ groups: 26, groupDescriptorBlocks: 1, reservedGdtBlocks: 256 });
    expect(geometry.backupGroups).toEqual([1, 3, 5, 7, 9, 25]);
    // Boot block, superblock, one block of descriptors; the 256th has its place at the beginning.
    const named = Array.from({ length: 256 }, (_, i) => (i === 0 ? 3 + 255 : 2 + i));
    expect(words(resizeInodeBlock(geometry))).toEqual(named);
  });

  it('has in each reserved block the numbers of its copies', () => {
    const source = reservedGdtBlocks(geometry);
    expect(source.length).toBe(256 * 1024);
    const block = new Uint8Array(1024);
    for (const i of [0, 1, 255]) {
      source.read(i * 1024, block);
      const copies = [1, 3, 5, 7, 9, 25].map((group) => 3 + i + group * 8192);
      expect(words(block)).toEqual([...copies, ...Array.from({ length: 256 - 6 }, () => 0)]);
    }
  });

  it('counts its block, the reserved ones and their copies', () => {
    expect(resizeInodeBlocks(geometry)).toBe(1 + 256 * 7);
    expect(resizeInodeSize(1024)).toBe((12 + 256 + 256 * 256) * 1024);
    expect(resizeInodeBlocks(planLayers([]).geometry)).toBe(0);
  });
});
