import { ImageError } from '../errors.ts';
import { roundUp } from '../struct.ts';
import { type BlockRun, ContentBlocks } from './content-blocks.ts';
import type { Features } from './features.ts';
import type { Ext4Options } from './options.ts';
import { CHUNK_SIZE } from './placement.ts';

/** How many groups there are, and how large what they have is. Everything is in blocks unless it says otherwise. */
export interface GroupNumbers {
  readonly groups: number;
  /** The block of the superblock: 1 with 1 KiB blocks, else 0. */
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  readonly inodeTableBlocksPerGroup: number;
  readonly groupDescriptorBlocks: number;
  readonly reservedGdtBlocks: number;
}

/** Where in the image the parts of groups are, and the record. */
export interface GroupParts {
  /** The groups that begin with copies of superblock and descriptors, in ascending order; the first group is none of them. */
  readonly backupGroups: readonly number[];
  readonly groupDescriptors: number;
  readonly record: number;
  /** By group, in ascending order. */
  readonly blockBitmaps: Float64Array;
  readonly inodeBitmaps: Float64Array;
  readonly inodeTables: Float64Array;
  /** What is left for contents. */
  readonly contentBlocks: ContentBlocks;
  /** The block behind the parts at the beginning of the image. */
  readonly partsEnd: number;
}

/** How many blocks a group begins with that are never contents. */
export function reservedIn(group: number, numbers: GroupNumbers, features: Features): number {
  const copies = hasSuperblock(group, features) ? 1 + numbers.groupDescriptorBlocks + numbers.reservedGdtBlocks : 0;
  return copies + (features.has('flex_bg') ? 0 : 2 + numbers.inodeTableBlocksPerGroup);
}

/** sparse_super: groups 0, 1 and the powers of 3, 5 and 7. */
function hasSuperblock(group: number, features: Features): boolean {
  if (group === 0) return true;
  return features.has('sparse_super') && (group === 1 || [3, 5, 7].some((base) => isPowerOf(base, group)));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

/**
 * Places what groups have. With flex_bg bitmaps and inode tables stand in front of all contents, else each at the beginning of its
 * group. With `stable` a group begins with whole chunks, so that contents keep their place in chunks. Throws `limit-exceeded`
 * when a group has no room for what it begins with.
 */
export function placeGroupParts(
  numbers: GroupNumbers,
  recordBlocks: number,
  features: Features,
  { blockSize, placement }: Pick<Ext4Options, 'blockSize' | 'placement'>,
): GroupParts {
  const { groups, firstDataBlock, blocksPerGroup, inodeTableBlocksPerGroup } = numbers;
  // Before anything is made for each of too many groups.
  const firstReserved = checkedReservedIn(0, numbers, features);
  const chunk = CHUNK_SIZE / blockSize;
  const isFlexible = features.has('flex_bg');
  const others = Array.from({ length: groups - 1 }, (_, i) => i + 1);
  const backupGroups = others.filter((group) => hasSuperblock(group, features));
  const firstBlock = (group: number): number => firstDataBlock + group * blocksPerGroup;
  const reserved = (isFlexible ? backupGroups : others).map((group) => {
    const count = checkedReservedIn(group, numbers, features);
    return { start: firstBlock(group), count: placement === 'stable' ? roundUp(count, chunk) : count };
  });
  const cursor = new Cursor(firstDataBlock + firstReserved, reserved, chunk);
  const parts = { backupGroups, groupDescriptors: firstDataBlock + 1, contentBlocks: new ContentBlocks(reserved) };
  if (isFlexible) {
    const record = cursor.place(recordBlocks);
    const blockBitmaps = cursor.placeEach(groups, 1);
    const inodeBitmaps = cursor.placeEach(groups, 1);
    const inodeTables = cursor.placeEach(groups, inodeTableBlocksPerGroup);
    return { ...parts, record, blockBitmaps, inodeBitmaps, inodeTables, partsEnd: cursor.next };
  }
  const record = cursor.place(recordBlocks);
  const inodeTables = Float64Array.from({ length: groups }, (_, group) => {
    return firstBlock(group) + reservedIn(group, numbers, features) - inodeTableBlocksPerGroup;
  });
  const [blockBitmaps, inodeBitmaps] = [inodeTables.map((block) => block - 2), inodeTables.map((block) => block - 1)];
  return { ...parts, record, blockBitmaps, inodeBitmaps, inodeTables, partsEnd: cursor.next };
}

function checkedReservedIn(group: number, numbers: GroupNumbers, features: Features): number {
  const count = reservedIn(group, numbers, features);
  if (count < numbers.blocksPerGroup) return count;
  const what = `${count} blocks of metadata in a group, which has ${numbers.blocksPerGroup}`;
  throw new ImageError('limit-exceeded', what);
}

/** Places parts one behind another, around what is reserved. */
class Cursor {
  next: number;
  readonly #reserved: readonly BlockRun[];
  readonly #chunk: number;
  /** The first of the reserved that the cursor has not passed. */
  #ahead = 0;

  constructor(next: number, reserved: readonly BlockRun[], chunk: number) {
    this.next = next;
    this.#reserved = reserved;
    this.#chunk = chunk;
  }

  /** One part of `count` blocks. */
  place(count: number): number {
    for (let run = this.#reserved[this.#ahead]; run !== undefined; run = this.#reserved[++this.#ahead]) {
      if (this.next + count <= run.start) break;
      this.next = Math.max(this.next, run.start + run.count);
    }
    const start = this.next;
    this.next += count;
    return start;
  }

  /** `parts` parts of `count` blocks; all together, if they are a chunk or more, begin at a chunk's boundary. */
  placeEach(parts: number, count: number): Float64Array {
    if (parts * count >= this.#chunk) this.next = roundUp(this.next, this.#chunk);
    return Float64Array.from({ length: parts }, () => this.place(count));
  }
}
