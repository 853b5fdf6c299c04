import { roundUp } from '../struct.ts';
import { coarseBoundary } from './cuts.ts';
import type { Features } from './features.ts';
import { EXT2_GOOD_OLD_INODE_SIZE, Inode } from './format/inode.ts';
import { GROUP_DESCRIPTOR_SIZE, GROUP_DESCRIPTOR_64BIT_SIZE } from './format/group-descriptor.ts';
import { type GroupNumbers, type GroupParts, placeGroupParts } from './group-parts.ts';
import type { Ext4Options } from './options.ts';
import { CHUNK_SIZE } from './placement.ts';

/** How many blocks each part of the content takes. */
export interface ContentSizes {
  readonly record: number;
  readonly directories: number;
  readonly xattrs: number;
  readonly xattrValues: number;
  readonly symlinks: number;
  readonly mappings: number;
  readonly data: number;
}

/** What follows from the number of an image's blocks. */
export interface Counts {
  readonly groups: number;
  readonly journalBlocks: number;
  readonly reservedGdtBlocks: number;
}

/** What is placed. */
export interface SectionParts {
  readonly sizes: ContentSizes;
  /** At least so many, or as many as there can be. */
  readonly inodes: number;
  readonly features: Features;
  readonly options: Pick<Ext4Options, 'blockSize' | 'placement'>;
}

/** Where the parts of an image begin; what holds contents counts in content blocks. */
export interface Sections extends GroupNumbers, GroupParts, Counts {
  readonly blockSize: number;
  /** In bytes. */
  readonly inodeSize: number;
  readonly descriptorSize: number;
  readonly directories: number;
  readonly xattrs: number;
  readonly xattrValues: number;
  readonly symlinks: number;
  /** Blocks of extent trees, or the indirect blocks of ext2. */
  readonly mappings: number;
  /** The block of the resize inode, where there is one. */
  readonly resizeInode: number;
  readonly journal: number;
  /** Where the contents that are not files' data end. */
  readonly metadataEnd: number;
  readonly data: number;
}

const INODES_MAX = 2 ** 32 - 1;

export const firstDataBlockOf = (blockSize: number): number => (blockSize === 1024 ? 1 : 0);

/**
 * Places everything. A section of a chunk or more begins at a chunk's boundary, and data at a boundary that is coarse beside the
 * metadata, so that a small change of one section seldom moves the next. Throws `limit-exceeded` as placeGroupParts does.
 */
export function placeSections({ sizes, inodes, features, options }: SectionParts, counts: Counts): Sections {
  const { blockSize } = options;
  const { groups, journalBlocks, reservedGdtBlocks } = counts;
  const inodeSize = features.has('extra_isize') ? Inode.size : EXT2_GOOD_OLD_INODE_SIZE;
  const descriptorSize = features.has('64bit') ? GROUP_DESCRIPTOR_64BIT_SIZE : GROUP_DESCRIPTOR_SIZE;
  const inodesPerBlock = blockSize / inodeSize;
  const unit = Math.max(8, inodesPerBlock);
  const inodesPerGroupMax = Math.min(8 * blockSize, Math.floor(INODES_MAX / groups / unit) * unit);
  const inodesPerGroup = Math.min(roundUp(Math.ceil(inodes / groups), unit), inodesPerGroupMax);
  const numbers = {
    ...counts,
    blockSize,
    firstDataBlock: firstDataBlockOf(blockSize),
    blocksPerGroup: 8 * blockSize,
    inodeSize,
    inodesPerGroup,
    inodeTableBlocksPerGroup: inodesPerGroup / inodesPerBlock,
    descriptorSize,
    groupDescriptorBlocks: Math.ceil((groups * descriptorSize) / blockSize),
  };
  const parts = placeGroupParts(numbers, sizes.record, features, options);
  const chunk = CHUNK_SIZE / blockSize;
  let next = parts.contentBlocks.contentOf(parts.partsEnd);
  const place = (blocks: number): number => {
    const start = blocks >= chunk ? roundUp(next, chunk) : next;
    next = start + blocks;
    return start;
  };
  const contents = {
    directories: place(sizes.directories),
    xattrs: place(sizes.xattrs),
    xattrValues: place(sizes.xattrValues),
    symlinks: place(sizes.symlinks),
    mappings: place(sizes.mappings),
    resizeInode: place(reservedGdtBlocks === 0 ? 0 : 1),
    journal: place(journalBlocks),
    metadataEnd: next,
  };
  return { ...numbers, ...parts, ...contents, data: coarseBoundary(next, next, 1 / 8, chunk) };
}
