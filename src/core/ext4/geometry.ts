import { ImageError } from '../errors.ts';
import { roundUp } from '../struct.ts';
import type { Features } from './features.ts';
import { reservedIn } from './group-parts.ts';
import { journalBlocksOf } from './journal-size.ts';
import type { Numbering } from './numbering.ts';
import type { Ext4Options } from './options.ts';
import { type ContentSizes, type Counts, firstDataBlockOf, placeSections, type Sections } from './sections.ts';

/** The numbers of an image, and where its sections begin. */
export interface Geometry extends Sections {
  /** Of the filesystem. */
  readonly blocks: number;
  /** Of the image, in bytes: what has no room for a group, or was asked for behind the filesystem, is not part of it. */
  readonly size: number;
}

/** An image whose size is not given is a multiple of this, in bytes. */
const SIZE_UNIT = 1024 * 1024;
/** A size that is given is a multiple of this, in bytes. */
const IMAGE_SIZE_UNIT = 4096;
/** With free space, one inode for each of so many bytes. */
const BYTES_PER_FREE_INODE = 16 * 1024;
/** Without 64bit, block numbers have 32 bits. */
const BLOCKS_MAX_32BIT = 2 ** 32 - 1;
/** With it they have 48 in extents. */
const BLOCKS_MAX_64BIT = 2 ** 48 - 1;
/** As mke2fs: room to grow to so many times the size while mounted. */
const GROWTH = 1024;

/** What a geometry is made for. */
interface Request {
  readonly sizes: ContentSizes;
  readonly numbering: Numbering;
  readonly features: Features;
  readonly options: Ext4Options;
}

/**
 * The geometry of the smallest image that holds the content and the free space that is asked for, or of the given size.
 * Throws `image-too-small` when the content does not fit the size, `limit-exceeded` for more blocks than block numbers can count.
 */
export function planGeometry(request: Request): Geometry {
  const { numbering, options, features } = request;
  const { inodes, size, blockSize } = options;
  if (inodes !== undefined && inodes < numbering.last) {
    throw new ImageError('image-too-small', `the content needs ${numbering.last} inodes, the image has ${inodes}`);
  }
  const geometry = size === undefined ? smallestGeometry(request) : fittingGeometry(request, size / blockSize);
  check('blocks', geometry.blocks, features.has('extent') ? BLOCKS_MAX_64BIT : BLOCKS_MAX_32BIT);
  check('inodes', inodes ?? numbering.last, geometry.inodesPerGroup * geometry.groups);
  const { deviceSize = geometry.size } = options;
  if (deviceSize < geometry.size) {
    const what = `the filesystem needs ${geometry.size} bytes, the device has ${deviceSize}`;
    throw new ImageError('image-too-small', what);
  }
  return { ...geometry, size: deviceSize };
}

/** Whether a geometry has more blocks than 32 bits count, which the feature 64bit is for. */
export function needs64bit({ blocks }: Geometry, features: Features): boolean {
  return blocks > BLOCKS_MAX_32BIT && !features.has('64bit');
}

function check(what: string, count: number, max: number): void {
  if (count > max) throw new ImageError('limit-exceeded', `${count} ${what}, at most ${max} in an image`);
}

/** Grows until everything fits: more blocks need more groups, a longer journal, more metadata. */
function smallestGeometry(request: Request): Geometry {
  const { numbering, options } = request;
  const { blockSize } = options;
  const freeBytes = freeBytesOf(request.sizes.data * blockSize, options);
  const inodes = options.inodes ?? numbering.last + Math.ceil(freeBytes / BYTES_PER_FREE_INODE);
  let counts: Counts = { ...countsOf(0, request), groups: Math.max(1, groupsForInodes(inodes, blockSize)) };
  for (;;) {
    const sections = placeSections({ ...request, inodes }, counts);
    // Inodes may need a group more than the blocks do.
    const least =
      groupStart(counts.groups - 1, blockSize) + reservedIn(counts.groups - 1, sections, request.features) + 1;
    const needed = Math.max(blocksNeeded(sections, request), counts.groups === 1 ? 0 : least);
    const size = roundUp(needed * blockSize, options.size === undefined ? SIZE_UNIT : blockSize);
    const blocks = usableBlocks(size / blockSize, sections, request.features);
    const { groups, journalBlocks, reservedGdtBlocks } = countsOf(blocks, request);
    const grown = {
      groups: Math.max(groups, counts.groups),
      journalBlocks: Math.max(journalBlocks, counts.journalBlocks),
      reservedGdtBlocks: Math.max(reservedGdtBlocks, counts.reservedGdtBlocks),
    };
    if (Object.entries(grown).every(([name, count]) => count === counts[name as keyof Counts])) {
      return { ...sections, blocks, size };
    }
    counts = grown;
  }
}

/** The geometry of an image of `blocks` blocks, with inodes for the room that the content leaves, as far as they fit. */
function fittingGeometry(request: Request, imageBlocks: number): Geometry {
  const { numbering, options } = request;
  const { blockSize, inodes = numbering.last } = options;
  const size = imageBlocks * blockSize;
  const bare = fit(request, imageBlocks, inodes);
  if (bare === undefined) {
    const smallest = smallestGeometry({ ...request, options: { ...options, inodes } });
    const needed = roundUp(smallest.size, IMAGE_SIZE_UNIT);
    throw new ImageError('image-too-small', `the content needs ${needed} bytes, the image has ${size}`);
  }
  const left = bare.blocks - blocksNeeded(bare, request);
  let headroom = options.inodes === undefined ? Math.floor((left * blockSize) / BYTES_PER_FREE_INODE) : 0;
  for (; headroom > 0; headroom = Math.floor(headroom / 2)) {
    const roomy = fit(request, imageBlocks, inodes + headroom);
    if (roomy !== undefined) return roomy;
  }
  return bare;
}

/** The geometry of an image of `imageBlocks` blocks with so many inodes; undefined when the content does not fit. */
function fit(request: Request, imageBlocks: number, inodes: number): Geometry | undefined {
  const { blockSize } = request.options;
  let blocks = imageBlocks;
  for (;;) {
    const counts = countsOf(blocks, request);
    if (groupsForInodes(inodes, blockSize) > counts.groups) return undefined;
    const sections = placeSections({ ...request, inodes }, counts);
    const usable = usableBlocks(blocks, sections, request.features);
    if (usable === blocks) {
      const fits = blocksNeeded(sections, request) <= blocks;
      return fits ? { ...sections, blocks, size: imageBlocks * blockSize } : undefined;
    }
    blocks = usable;
  }
}

function countsOf(blocks: number, { options, features }: Request): Counts {
  const { blockSize, journal } = options;
  const groups = Math.max(1, groupsOf(blocks, blockSize));
  const journalBytes = journal?.bytes;
  const journalBlocks = journalBytes === undefined ? journalBlocksOf(blocks) : journalBytes / blockSize;
  return {
    groups,
    journalBlocks: features.has('has_journal') ? journalBlocks : 0,
    reservedGdtBlocks: features.has('resize_inode') ? reservedGdtBlocksOf(blocks, groups, blockSize, features) : 0,
  };
}

/** As many blocks for more descriptors as the filesystem may ever need, at most what the resize inode's one block names. */
function reservedGdtBlocksOf(blocks: number, groups: number, blockSize: number, features: Features): number {
  const perBlock = blockSize / (features.has('64bit') ? 64 : 32);
  const groupsMax = groupsOf(Math.min(blocks * GROWTH, BLOCKS_MAX_32BIT), blockSize);
  return Math.max(0, Math.min(Math.ceil(groupsMax / perBlock) - Math.ceil(groups / perBlock), blockSize / 4));
}

const groupStart = (group: number, blockSize: number): number => firstDataBlockOf(blockSize) + group * 8 * blockSize;
const groupsOf = (blocks: number, blockSize: number): number =>
  Math.ceil((blocks - firstDataBlockOf(blockSize)) / (8 * blockSize));
const groupsForInodes = (inodes: number, blockSize: number): number => Math.ceil(inodes / (8 * blockSize));

/** Without a last group that has no room for more than what it begins with. */
function usableBlocks(blocks: number, sections: Sections, features: Features): number {
  const last = groupsOf(blocks, sections.blockSize) - 1;
  const start = groupStart(last, sections.blockSize);
  return last > 0 && blocks - start <= reservedIn(last, sections, features) ? start : blocks;
}

/** Up to where an image has to go. */
function blocksNeeded(sections: Sections, { sizes, options }: Pick<Request, 'sizes' | 'options'>): number {
  const content = sizes.data === 0 ? sections.metadataEnd : sections.data + sizes.data;
  const free = Math.ceil(freeBytesOf(content * options.blockSize, options) / options.blockSize);
  return sections.contentBlocks.blockOf(content + free - 1) + 1;
}

function freeBytesOf(content: number, { free }: Pick<Ext4Options, 'free'>): number {
  if ('bytes' in free) return free.bytes;
  return Math.max(Math.ceil((content * free.percent) / 100), free.bytesMin ?? 0);
}
