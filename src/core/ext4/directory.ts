import { dirHashes, HashVersion } from 'ext2fs-wasm';
import { type Column, u8Column, u32Column } from '../columns.ts';
import { ImageError } from '../errors.ts';
import type { NameOrder } from '../tree/order.ts';
import { ROOT, type Tree } from '../tree/tree.ts';
import { S_HASH_SEED } from './checksums.ts';
import type { Features } from './features.ts';
import { DirectoryEntry, DirectoryEntryTail } from './format/directory-entry.ts';
import { indexLevels, NODE_LEVELS_COMPAT } from './htree.ts';
import { INLINE_IN_I_BLOCK } from './inline-data.ts';
import type { Numbering } from './numbering.ts';
import type { Ext4Options } from './options.ts';

/** The directories' blocks: which names stand in which block. All blocks count from the beginning of the directories. */
export interface DirectoryLayout {
  /** The tree's directory inodes in the order of their blocks. */
  readonly directories: Uint32Array;
  /** By position in `directories`: its first block; one more element than there are directories. */
  readonly firstBlock: Float64Array;
  /** By position: the dx_node blocks of a directory with an index; LINEAR for one without, INLINE for one without blocks. */
  readonly nodes: Uint32Array;
  /** By position: its first leaf; one more element than there are directories. */
  readonly firstLeaf: Uint32Array;
  /** By leaf: where its names begin and end in `dentries`. */
  readonly leafStart: Uint32Array;
  readonly leafEnd: Uint32Array;
  /** By leaf: the hash from which on names stand in it, with the continuation bit; 0 without an index. */
  readonly leafHash: Uint32Array;
  /** The live dentries, grouped by directory, in the order in which its leaves hold them. */
  readonly dentries: Uint32Array;
  /** Whether an index has more levels than there are without large_dir. */
  readonly needsLargeDir: boolean;
  readonly length: number;
}

/** What decides how directories are laid out. */
export interface DirectoryOptions extends Pick<Ext4Options, 'blockSize' | 'placement'> {
  readonly features: Features;
  /** How long a value of `system.data` the inode of a directory may have, in bytes; undefined where it cannot have one. */
  readonly inlineValueMax: (directory: number) => number | undefined;
}

/** In `nodes`: the directory has no index. */
export const LINEAR = 0xffff_ffff;
/** In `nodes`: its inode holds it, in two parts, which are its leaves, and it has no blocks. */
export const INLINE = 0xffff_fffe;
/** In i_block of a directory that its inode holds: how many bytes the number of its parent takes, in front of the names. */
export const INLINE_DOTDOT_SIZE = 4;
/** The entries of `.` and `..`. */
export const DOTS_LENGTH = 24;
/** lost+found has room for names before it needs any. */
const LOST_AND_FOUND_BLOCKS = 4;
/** As many names as a position of 22 bits tells apart beside a hash of 31, in one exact number. */
const PACKED_NAMES_MAX = 2 ** 22;

const hashSeed = new Uint32Array(4).map((_, i) => new DataView(S_HASH_SEED.buffer).getUint32(4 * i, true));

/** The length of a directory entry with a name of `nameLength` bytes, in bytes. */
export const recordLength = (nameLength: number): number => DirectoryEntry.size + ((nameLength + 3) & ~3);

/**
 * Lays out every directory: names in byte order, in the inode where they fit and may, else in one block where they fit; else an index
 * over leaves in hash order, or without dir_index more blocks. The root, which Linux wants blocks of, and lost+found always have them.
 * With `stable`, directories that higher layers changed come last, so that what changes often stands behind what does not.
 * Throws `limit-exceeded` when a directory needs more than three levels of index.
 */
export function layOutDirectories(
  tree: Tree,
  names: NameOrder,
  numbering: Numbering,
  lostAndFound: number,
  { blockSize, placement, features, inlineValueMax }: DirectoryOptions,
): DirectoryLayout {
  const directories = orderDirectories(tree, numbering, placement);
  const firstBlock = new Float64Array(directories.length + 1);
  const nodes = new Uint32Array(directories.length).fill(LINEAR);
  const firstLeaf = new Uint32Array(directories.length + 1);
  const leaves: Leaves = { start: u32Column(), end: u32Column(), hash: u32Column() };
  const dentries = names.dentries.slice();
  const packer = new LeafPacker(tree, dentries, leaves, leafCapacity(blockSize, features));
  let block = 0;
  let needsLargeDir = false;
  directories.forEach((directory, position) => {
    const start = names.start[directory]!;
    const end = names.start[directory + 1]!;
    const valueMax = directory === ROOT || directory === lostAndFound ? undefined : inlineValueMax(directory);
    if (valueMax !== undefined && packer.packInline(start, end, valueMax)) {
      nodes[position] = INLINE;
    } else if (!features.has('dir_index') || packer.fitsOneBlock(start, end)) {
      const filled = packer.packByName(start, end);
      const blocks = Math.max(filled, directory === lostAndFound ? LOST_AND_FOUND_BLOCKS : 1);
      for (let i = filled; i < blocks; i++) addLeaf(leaves, end, end, 0);
      block += blocks;
    } else {
      const leafCount = packer.packByHash(start, end);
      const levels = indexLevels(leafCount, blockSize);
      if (levels === undefined) throw tooLarge(tree, directory, end - start);
      if (levels.length > NODE_LEVELS_COMPAT) needsLargeDir = true;
      const nodeCount = levels.reduce((sum, width) => sum + width, 0);
      nodes[position] = nodeCount;
      block += 1 + nodeCount + leafCount;
    }
    firstBlock[position + 1] = block;
    firstLeaf[position + 1] = leaves.start.length;
  });
  const [leafStart, leafEnd, leafHash] = [leaves.start.trimmed(), leaves.end.trimmed(), leaves.hash.trimmed()];
  const length = block;
  return { directories, firstBlock, nodes, firstLeaf, leafStart, leafEnd, leafHash, dentries, needsLargeDir, length };
}

/** How many bytes of a block are for entries; with checksums the tail is not. */
export function leafCapacity(blockSize: number, features: Features): number {
  return features.has('metadata_csum') ? blockSize - DirectoryEntryTail.size : blockSize;
}

interface Leaves {
  readonly start: Column<Uint32Array>;
  readonly end: Column<Uint32Array>;
  readonly hash: Column<Uint32Array>;
}

function addLeaf(leaves: Leaves, start: number, end: number, hash: number): void {
  leaves.start.push(start);
  leaves.end.push(end);
  leaves.hash.push(hash);
}

/** Live directories by inode number; with `stable` first by the last layer that changed their names. */
function orderDirectories(tree: Tree, numbering: Numbering, placement: Ext4Options['placement']): Uint32Array {
  const keys: number[] = [];
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    if (!tree.isDirectory(inode) || numbering.ino[inode] === 0) continue;
    const layer = placement === 'stable' ? tree.directoryLayer(inode) : 0;
    keys.push(layer * 2 ** 32 + numbering.ino[inode]!);
  }
  const sorted = Float64Array.from(keys).sort();
  return Uint32Array.from(sorted, (key) => numbering.inodeOf[key % 2 ** 32]!);
}

/** Divides a directory's names into blocks. */
class LeafPacker {
  readonly #tree: Tree;
  readonly #dentries: Uint32Array;
  readonly #leaves: Leaves;
  /** What one leaf block holds, in bytes. */
  readonly #capacity: number;

  constructor(tree: Tree, dentries: Uint32Array, leaves: Leaves, capacity: number) {
    this.#tree = tree;
    this.#dentries = dentries;
    this.#leaves = leaves;
    this.#capacity = capacity;
  }

  fitsOneBlock(start: number, end: number): boolean {
    let length = DOTS_LENGTH;
    for (let i = start; i < end && length <= this.#capacity; i++) length += this.#recordLength(i);
    return length <= this.#capacity;
  }

  /** Divides names into what i_block holds and a value of at most `valueMax` bytes, unless they are too many. */
  packInline(start: number, end: number, valueMax: number): boolean {
    let middle = start;
    let room = INLINE_IN_I_BLOCK - INLINE_DOTDOT_SIZE;
    for (; middle < end && this.#recordLength(middle) <= room; middle++) room -= this.#recordLength(middle);
    room = valueMax;
    for (let i = middle; i < end && room >= 0; i++) room -= this.#recordLength(i);
    if (room < 0) return false;
    addLeaf(this.#leaves, start, middle, 0);
    addLeaf(this.#leaves, middle, end, 0);
    return true;
  }

  /** Fills leaves one after another, behind the entries of `.` and `..`; returns how many, at least one. */
  packByName(start: number, end: number): number {
    const before = this.#leaves.start.length;
    let leafStart = start;
    let length = DOTS_LENGTH;
    for (let i = start; i < end; i++) {
      const record = this.#recordLength(i);
      length += record;
      if (length <= this.#capacity) continue;
      addLeaf(this.#leaves, leafStart, i, 0);
      leafStart = i;
      length = record;
    }
    addLeaf(this.#leaves, leafStart, end, 0);
    return this.#leaves.start.length - before;
  }

  /** Orders the names by hash and fills leaves one after another; returns how many. */
  packByHash(start: number, end: number): number {
    const hashes = this.#sortByHash(start, end);
    const before = this.#leaves.start.length;
    let leafStart = start;
    let length = 0;
    for (let i = start; i <= end; i++) {
      const record = i < end ? this.#recordLength(i) : this.#capacity;
      length += record;
      if (length <= this.#capacity) continue;
      addLeaf(this.#leaves, leafStart, i, indexHash(hashes, leafStart - start));
      leafStart = i;
      length = record;
    }
    return this.#leaves.start.length - before;
  }

  #recordLength(i: number): number {
    return recordLength(this.#tree.dentryNameLength.values[this.#dentries[i]!]!);
  }

  /** Sorts the dentries by hash, then by name, in place; returns their hashes. */
  #sortByHash(start: number, end: number): Uint32Array {
    const byName = this.#dentries.slice(start, end);
    const hashes = this.#hashes(byName);
    const order = orderByHash(hashes);
    const sorted = new Uint32Array(order.length);
    for (let i = 0; i < order.length; i++) {
      this.#dentries[start + i] = byName[order[i]!]!;
      sorted[i] = hashes[2 * order[i]!]!;
    }
    return sorted;
  }

  #hashes(dentries: Uint32Array): Uint32Array {
    const bytes = u8Column();
    const ends = new Uint32Array(dentries.length);
    for (let i = 0; i < dentries.length; i++) {
      const name = this.#tree.nameBytes(dentries[i]!);
      const start = bytes.extend(name.length);
      bytes.values.set(name, start);
      ends[i] = bytes.length;
    }
    const hashes = new Uint32Array(2 * dentries.length);
    dirHashes(bytes.values, ends, HashVersion.half_md4_unsigned, hashSeed, hashes);
    return hashes;
  }
}

/** The positions of names in the order of their hashes, which are every other number, then in that which they are in. */
export function orderByHash(hashes: Uint32Array): Uint32Array {
  const order = new Uint32Array(hashes.length / 2);
  if (order.length > PACKED_NAMES_MAX) {
    for (let i = 0; i < order.length; i++) order[i] = i;
    const byLowerHalf = sortByHalf(order, (position) => hashes[2 * position]! & 0xffff);
    return sortByHalf(byLowerHalf, (position) => hashes[2 * position]! >>> 16);
  }
  const keys = new Float64Array(order.length);
  for (let i = 0; i < keys.length; i++) keys[i] = (hashes[2 * i]! / 2) * PACKED_NAMES_MAX + i;
  keys.sort();
  for (let i = 0; i < keys.length; i++) order[i] = keys[i]! % PACKED_NAMES_MAX;
  return order;
}

/** Sorts positions by 16 bits of their hashes; equal ones stay in their order. */
function sortByHalf(positions: Uint32Array, half: (position: number) => number): Uint32Array {
  const next = new Uint32Array(2 ** 16 + 1);
  for (const position of positions) next[half(position) + 1]!++;
  for (let i = 1; i < next.length; i++) next[i]! += next[i - 1]!;
  const sorted = new Uint32Array(positions.length);
  for (const position of positions) sorted[next[half(position)]!++] = position;
  return sorted;
}

/** A leaf's hash in the index, given its first name: with the low bit set when the leaf before ends in the same hash. */
function indexHash(hashes: Uint32Array, i: number): number {
  if (i === 0) return 0;
  return hashes[i]! + (hashes[i] === hashes[i - 1] ? 1 : 0);
}

function tooLarge(tree: Tree, directory: number, names: number): ImageError {
  const what = `a directory of ${names} names, more than an index of three levels holds`;
  return new ImageError('limit-exceeded', what, { path: tree.displayInode(directory) });
}
