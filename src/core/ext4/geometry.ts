import { ImageError } from '../errors.ts';
import { roundUp } from '../struct.ts';
import { GroupDescriptor } from './format/group-descriptor.ts';
import { EXT4_GOOD_OLD_FIRST_INO, Inode } from './format/inode.ts';
import type { Numbering } from './numbering.ts';
import type { Ext4Options } from './options.ts';
import { CHUNK_SIZE } from './placement.ts';

/** How many blocks each part of the content takes. */
export interface ContentSizes {
  readonly directories: number;
  readonly xattrs: number;
  readonly symlinks: number;
  readonly extentTrees: number;
  readonly data: number;
}

/** The numbers of an image, and where its sections begin; everything is in blocks unless it says otherwise. */
export interface Geometry {
  readonly blockSize: number;
  readonly blocks: number;
  /** The block of the superblock: 1 with 1 KiB blocks, else 0. */
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly inodeTableBlocksPerGroup: number;
  readonly groupDescriptors: number;
  readonly blockBitmaps: number;
  readonly inodeBitmaps: number;
  readonly inodeTables: number;
  readonly directories: number;
  readonly xattrs: number;
  readonly symlinks: number;
  readonly extentTrees: number;
  /** Where the metadata ends. */
  readonly metadataEnd: number;
  readonly data: number;
}

/** An image whose size is not given is a multiple of this, in bytes. */
const SIZE_UNIT = 1024 * 1024;
/** With free space, one inode for each of so many bytes. */
const BYTES_PER_FREE_INODE = 16 * 1024;
/** Without 64bit, block numbers have 32 bits. */
const BLOCKS_MAX = 2 ** 32 - 1;

/**
 * The geometry of the smallest image that holds the content and the free space that is asked for, or of the given size.
 * Throws `image-too-small` when the content does not fit the size, `limit-exceeded` from 2^32 blocks on.
 */
export function planGeometry(sizes: ContentSizes, numbering: Numbering, options: Ext4Options): Geometry {
  const { blockSize, size } = options;
  const blocksPerGroup = 8 * blockSize;
  const firstDataBlock = blockSize === 1024 ? 1 : 0;
  const groupsOf = (blocks: number): number => Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  let groups = size === undefined ? 1 : Math.max(1, groupsOf(size / blockSize));
  for (;;) {
    const sections = placeSections(sizes, numbering, options, groups);
    const needed = blocksNeeded(sections, sizes, options);
    const groupsNeeded = Math.max(groupsOf(needed), sections.groupsForInodes);
    if (size !== undefined || groupsNeeded <= groups) {
      const blocks = size === undefined ? Math.max(needed, smallestWith(groups, options)) : size / blockSize;
      if (needed > blocks || sections.groupsForInodes > groups) throw tooSmall(sizes, numbering, options);
      if (blocks > BLOCKS_MAX)
        throw new ImageError('limit-exceeded', `${blocks} blocks, at most ${BLOCKS_MAX} in an image`);
      const { groupsForInodes: _, ...places } = sections;
      return { blockSize, blocks, firstDataBlock, blocksPerGroup, groups, ...places };
    }
    groups = groupsNeeded;
  }
}

/** The size of the smallest image for the content, in bytes. */
function sizeNeeded(sizes: ContentSizes, numbering: Numbering, options: Ext4Options): number {
  return planGeometry(sizes, numbering, { ...options, size: undefined }).blocks * options.blockSize;
}

function tooSmall(sizes: ContentSizes, numbering: Numbering, options: Ext4Options): ImageError {
  const needed = sizeNeeded(sizes, numbering, options);
  return new ImageError('image-too-small', `the content needs ${needed} bytes, the image has ${options.size}`);
}

/** The fewest blocks of an image with so many groups. */
function smallestWith(groups: number, { blockSize }: Ext4Options): number {
  const first = blockSize === 1024 ? 1 : 0;
  return roundUp((first + (groups - 1) * 8 * blockSize + 1) * blockSize, SIZE_UNIT) / blockSize;
}

function blocksNeeded(sections: Sections, sizes: ContentSizes, { blockSize, free }: Ext4Options): number {
  const content = sizes.data === 0 ? sections.metadataEnd : sections.data + sizes.data;
  const freeBytes = 'bytes' in free ? free.bytes : Math.ceil((content * blockSize * free.percent) / 100);
  return roundUp(content * blockSize + freeBytes, SIZE_UNIT) / blockSize;
}

type Sections = Omit<Geometry, 'blockSize' | 'blocks' | 'firstDataBlock' | 'blocksPerGroup' | 'groups'> & {
  /** How many groups the inodes need. */
  readonly groupsForInodes: number;
};

/**
 * Places the sections one after another. One of a chunk or more begins at a chunk's boundary, and data at a boundary that is coarse
 * beside the metadata, so that a small change of one section seldom moves the next.
 */
function placeSections(sizes: ContentSizes, numbering: Numbering, options: Ext4Options, groups: number): Sections {
  const { blockSize } = options;
  const chunk = CHUNK_SIZE / blockSize;
  const inodes = inodesNeeded(sizes, numbering, options);
  const inodesPerBlock = blockSize / Inode.size;
  const inodesPerGroup = Math.min(roundUp(Math.ceil(inodes / groups), Math.max(8, inodesPerBlock)), 8 * blockSize);
  const inodeTableBlocksPerGroup = inodesPerGroup / inodesPerBlock;
  let next = blockSize === 1024 ? 2 : 1;
  const place = (blocks: number): number => {
    const start = blocks >= chunk ? roundUp(next, chunk) : next;
    next = start + blocks;
    return start;
  };
  const groupDescriptors = place(Math.ceil((groups * GroupDescriptor.size) / blockSize));
  const blockBitmaps = place(groups);
  const inodeBitmaps = place(groups);
  const inodeTables = place(groups * inodeTableBlocksPerGroup);
  const directories = place(sizes.directories);
  const xattrs = place(sizes.xattrs);
  const symlinks = place(sizes.symlinks);
  const extentTrees = place(sizes.extentTrees);
  const metadataEnd = next;
  const coarse = 2 ** Math.floor(Math.log2(Math.max(metadataEnd / 8, 1)));
  return {
    inodesPerGroup,
    inodeTableBlocksPerGroup,
    groupDescriptors,
    blockBitmaps,
    inodeBitmaps,
    inodeTables,
    directories,
    xattrs,
    symlinks,
    extentTrees,
    metadataEnd,
    data: roundUp(metadataEnd, Math.max(chunk, coarse)),
    groupsForInodes: Math.ceil(inodes / (8 * blockSize)),
  };
}

/** The numbers in use, and some for the free space; `--inodes` may ask for more. */
function inodesNeeded(sizes: ContentSizes, numbering: Numbering, { inodes, free, blockSize }: Ext4Options): number {
  const freeBytes = 'bytes' in free ? free.bytes : (sizes.data * blockSize * free.percent) / 100;
  const headroom = Math.ceil(freeBytes / BYTES_PER_FREE_INODE);
  const needed = Math.max(numbering.last, EXT4_GOOD_OLD_FIRST_INO) + headroom;
  if (inodes !== undefined && inodes < numbering.last) {
    throw new ImageError('image-too-small', `the content needs ${numbering.last} inodes, the image has ${inodes}`);
  }
  return Math.max(inodes ?? 0, inodes === undefined ? needed : numbering.last);
}
