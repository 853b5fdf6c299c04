import { ImageError } from '../errors.ts';
import { roundUp } from '../struct.ts';
import { GroupDescriptor } from './format/group-descriptor.ts';
import { Inode } from './format/inode.ts';
import type { Numbering } from './numbering.ts';
import type { Ext4Options } from './options.ts';
import { CHUNK_SIZE } from './placement.ts';

/** How many blocks each part of the content takes. */
export interface ContentSizes {
  readonly record: number;
  readonly directories: number;
  readonly xattrs: number;
  readonly xattrValues: number;
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
  readonly record: number;
  readonly blockBitmaps: number;
  readonly inodeBitmaps: number;
  readonly inodeTables: number;
  readonly directories: number;
  readonly xattrs: number;
  readonly xattrValues: number;
  readonly symlinks: number;
  readonly extentTrees: number;
  /** Where the metadata ends. */
  readonly metadataEnd: number;
  readonly data: number;
}

/** An image whose size is not given is a multiple of this, in bytes. */
const SIZE_UNIT = 1024 * 1024;
/** A size that is given is a multiple of this, in bytes. */
const IMAGE_SIZE_UNIT = 4096;
/** With free space, one inode for each of so many bytes. */
const BYTES_PER_FREE_INODE = 16 * 1024;
/** Without 64bit, block numbers have 32 bits. */
const BLOCKS_MAX = 2 ** 32 - 1;
const INODES_MAX = 2 ** 32 - 1;

/**
 * The geometry of the smallest image that holds the content and the free space that is asked for, or of the given size.
 * Throws `image-too-small` when the content does not fit the size, `limit-exceeded` from 2^32 blocks on.
 */
export function planGeometry(sizes: ContentSizes, numbering: Numbering, options: Ext4Options): Geometry {
  const { inodes, size, blockSize } = options;
  if (inodes !== undefined && inodes < numbering.last) {
    throw new ImageError('image-too-small', `the content needs ${numbering.last} inodes, the image has ${inodes}`);
  }
  const geometry =
    size === undefined
      ? smallestGeometry(sizes, numbering, options)
      : fittingGeometry(sizes, numbering, options, size / blockSize);
  check('blocks', geometry.blocks, BLOCKS_MAX);
  check('inodes', geometry.inodesPerGroup * geometry.groups, INODES_MAX);
  return geometry;
}

function check(what: string, count: number, max: number): void {
  if (count > max) throw new ImageError('limit-exceeded', `${count} ${what}, at most ${max} in an image`);
}

/** Grows by groups until everything fits: more groups need more metadata. */
function smallestGeometry(sizes: ContentSizes, numbering: Numbering, options: Ext4Options): Geometry {
  const { blockSize, free } = options;
  const freeBytes = 'bytes' in free ? free.bytes : (sizes.data * blockSize * free.percent) / 100;
  const inodes = options.inodes ?? numbering.last + Math.ceil(freeBytes / BYTES_PER_FREE_INODE);
  for (let groups = 1; ; ) {
    const sections = placeSections(sizes, inodes, blockSize, groups);
    const blocks = blocksNeeded(sections, sizes, options);
    const needed = Math.max(groupsOf(blocks, blockSize), groupsForInodes(inodes, blockSize));
    if (needed <= groups) {
      // Inodes may need a group more than the blocks do.
      const least = groupsOf(blocks, blockSize) < groups ? smallestWith(groups, blockSize) : 0;
      return withBlocks(Math.max(blocks, least), blockSize, groups, sections);
    }
    groups = needed;
  }
}

/** The geometry of an image of `blocks` blocks, with inodes for the room that the content leaves, as far as they fit. */
function fittingGeometry(sizes: ContentSizes, numbering: Numbering, options: Ext4Options, blocks: number): Geometry {
  const { blockSize, inodes = numbering.last } = options;
  const groups = Math.max(1, groupsOf(blocks, blockSize));
  const sections = placeSections(sizes, inodes, blockSize, groups);
  const left = blocks - blocksNeeded(sections, sizes, options);
  if (left < 0 || groupsForInodes(inodes, blockSize) > groups) {
    const smallest = smallestGeometry(sizes, numbering, { ...options, inodes });
    const needed = roundUp(smallest.blocks * blockSize, IMAGE_SIZE_UNIT);
    throw new ImageError('image-too-small', `the content needs ${needed} bytes, the image has ${blocks * blockSize}`);
  }
  let headroom = options.inodes === undefined ? Math.floor((left * blockSize) / BYTES_PER_FREE_INODE) : 0;
  for (; headroom > 0; headroom = Math.floor(headroom / 2)) {
    const roomy = placeSections(sizes, inodes + headroom, blockSize, groups);
    if (blocksNeeded(roomy, sizes, options) <= blocks) return withBlocks(blocks, blockSize, groups, roomy);
  }
  return withBlocks(blocks, blockSize, groups, sections);
}

const firstDataBlockOf = (blockSize: number): number => (blockSize === 1024 ? 1 : 0);
const groupsOf = (blocks: number, blockSize: number): number =>
  Math.ceil((blocks - firstDataBlockOf(blockSize)) / (8 * blockSize));
const groupsForInodes = (inodes: number, blockSize: number): number => Math.ceil(inodes / (8 * blockSize));

function withBlocks(blocks: number, blockSize: number, groups: number, sections: Sections): Geometry {
  const firstDataBlock = firstDataBlockOf(blockSize);
  return { blockSize, blocks, firstDataBlock, blocksPerGroup: 8 * blockSize, groups, ...sections };
}

/** The fewest blocks of an image with so many groups. */
function smallestWith(groups: number, blockSize: number): number {
  const lastGroup = firstDataBlockOf(blockSize) + (groups - 1) * 8 * blockSize;
  return roundUp((lastGroup + 1) * blockSize, SIZE_UNIT) / blockSize;
}

function blocksNeeded(sections: Sections, sizes: ContentSizes, { blockSize, free, size }: Ext4Options): number {
  const content = (sizes.data === 0 ? sections.metadataEnd : sections.data + sizes.data) * blockSize;
  const freeBytes = 'bytes' in free ? free.bytes : Math.ceil((content * free.percent) / 100);
  return roundUp(content + freeBytes, size === undefined ? SIZE_UNIT : blockSize) / blockSize;
}

type Sections = Omit<Geometry, 'blockSize' | 'blocks' | 'firstDataBlock' | 'blocksPerGroup' | 'groups'>;

/**
 * Places the sections one after another. One of a chunk or more begins at a chunk's boundary, and data at a boundary that
 * is coarse beside the metadata, so that a small change of one section seldom moves the next.
 */
function placeSections(sizes: ContentSizes, inodes: number, blockSize: number, groups: number): Sections {
  const chunk = CHUNK_SIZE / blockSize;
  const inodesPerBlock = blockSize / Inode.size;
  const inodesPerGroup = Math.min(roundUp(Math.ceil(inodes / groups), Math.max(8, inodesPerBlock)), 8 * blockSize);
  const inodeTableBlocksPerGroup = inodesPerGroup / inodesPerBlock;
  // The descriptors stand right behind the superblock: no field says where.
  const groupDescriptors = firstDataBlockOf(blockSize) + 1;
  const record = groupDescriptors + Math.ceil((groups * GroupDescriptor.size) / blockSize);
  let next = record + sizes.record;
  const place = (blocks: number): number => {
    const start = blocks >= chunk ? roundUp(next, chunk) : next;
    next = start + blocks;
    return start;
  };
  const blockBitmaps = place(groups);
  const inodeBitmaps = place(groups);
  const inodeTables = place(groups * inodeTableBlocksPerGroup);
  const directories = place(sizes.directories);
  const xattrs = place(sizes.xattrs);
  const xattrValues = place(sizes.xattrValues);
  const symlinks = place(sizes.symlinks);
  const extentTrees = place(sizes.extentTrees);
  const metadataEnd = next;
  const coarse = 2 ** Math.floor(Math.log2(Math.max(metadataEnd / 8, 1)));
  return {
    inodesPerGroup,
    inodeTableBlocksPerGroup,
    groupDescriptors,
    record,
    blockBitmaps,
    inodeBitmaps,
    inodeTables,
    directories,
    xattrs,
    xattrValues,
    symlinks,
    extentTrees,
    metadataEnd,
    data: roundUp(metadataEnd, Math.max(chunk, coarse)),
  };
}
