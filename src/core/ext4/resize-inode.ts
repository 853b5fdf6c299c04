import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import type { Geometry } from './geometry.ts';

/**
 * The blocks that are kept for descriptors of groups to come: those behind the first group's descriptors name their copies, and the
 * resize inode's one block, an indirect one of two levels, names these. https://docs.kernel.org/filesystems/ext4/special_inodes.html
 */
export function reservedGdtBlocks(geometry: Geometry): BytesSource {
  const { blockSize, backupGroups, blocksPerGroup, reservedGdtBlocks: count } = geometry;
  const first = firstReservedBlock(geometry);
  const reader = new BlockReader(blockSize, (i, _target, view) => {
    backupGroups.forEach((group, copy) => {
      view.setUint32(4 * copy, first + i + group * blocksPerGroup, true);
    });
  });
  return {
    length: count * blockSize,
    read: (offset, target) => reader.read(offset, target),
    labelUnit: count * blockSize,
    label: () => 'reserved group descriptors',
  };
}

/** The resize inode's block. */
export function resizeInodeBlock(geometry: Geometry): Uint8Array {
  const { blockSize, groupDescriptorBlocks, reservedGdtBlocks: count } = geometry;
  const bytes = new Uint8Array(blockSize);
  const view = new DataView(bytes.buffer);
  const perBlock = blockSize / 4;
  const first = firstReservedBlock(geometry);
  for (let i = 0; i < count; i++) view.setUint32(4 * ((groupDescriptorBlocks + i) % perBlock), first + i, true);
  return bytes;
}

/** How many blocks belong to the resize inode. */
export function resizeInodeBlocks({ reservedGdtBlocks: count, backupGroups }: Geometry): number {
  return count === 0 ? 0 : 1 + count * (1 + backupGroups.length);
}

/** i_size of the resize inode: all that a tree of two levels of indirect blocks reaches, in bytes. */
export function resizeInodeSize(blockSize: number): number {
  const perBlock = blockSize / 4;
  return (12 + perBlock + perBlock ** 2) * blockSize;
}

const firstReservedBlock = ({ groupDescriptors, groupDescriptorBlocks }: Geometry): number =>
  groupDescriptors + groupDescriptorBlocks;
