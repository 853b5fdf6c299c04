import { crc32c } from 'ext2fs-wasm';
import type { BytesSource } from '../plan/plan.ts';
import type { Tree } from '../tree/tree.ts';
import { inodeSeed } from './checksums.ts';
import {
  EXT_INIT_MAX_LEN,
  EXT4_EXT_MAGIC,
  Extent,
  ExtentHeader,
  ExtentIndex,
  ROOT_ENTRIES_MAX,
} from './format/extent.ts';
import { fileEntry, fileRuns, type Run } from './runs.ts';
import type { Numbering } from './numbering.ts';

/** How many entries a block of an extent tree holds; its checksum follows them. */
const entriesMax = (blockSize: number): number => Math.floor((blockSize - ExtentHeader.size - 4) / Extent.size);

/** How many extents a run of `count` blocks takes. */
const extentsOf = (count: number): number => Math.ceil(count / EXT_INIT_MAX_LEN);

/** How many blocks the tree above `extents` extents takes besides its root. */
function treeBlocks(extents: number, blockSize: number): number {
  let blocks = 0;
  for (let width = extents; width > ROOT_ENTRIES_MAX; blocks += width) width = Math.ceil(width / entriesMax(blockSize));
  return blocks;
}

/** The runs of an inode's `count` contiguous blocks, as the file counts them. */
function runsOf(tree: Tree, inode: number, count: number, blockSize: number): Run[] {
  const file = fileEntry(tree, inode);
  if (file !== undefined) return fileRuns(file.index, file.entry, blockSize);
  return count === 0 ? [] : [{ block: 0, count }];
}

/** Where the contents of inodes lie. */
export interface Contents {
  /** By the tree's inode: the first block in the image, and how many follow each other. */
  readonly first: Float64Array;
  readonly count: Float64Array;
}

/**
 * The extent trees that do not fit their inode: how many blocks each takes, then what stands in them. Trees stand one
 * after another in the order of inode numbers, each from its leaves to the level below the root.
 */
export class ExtentTrees {
  /** By the tree's inode: the first block of its tree, counted from the first of all trees. */
  readonly #first = new Map<number, number>();
  readonly #tree: Tree;
  readonly #blockSize: number;
  #blockCount = 0;

  /** `count` is Contents.count. */
  constructor(tree: Tree, numbering: Numbering, count: Float64Array, blockSize: number) {
    this.#tree = tree;
    this.#blockSize = blockSize;
    for (const inode of numbering.inodeOf) {
      const blocks = this.blocksOf(inode, count[inode] ?? 0);
      if (blocks === 0) continue;
      this.#first.set(inode, this.#blockCount);
      this.#blockCount += blocks;
    }
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** How many blocks the tree of an inode with `count` blocks takes besides its root. */
  blocksOf(inode: number, count: number): number {
    if (count <= ROOT_ENTRIES_MAX) return 0;
    const extents = runsOf(this.#tree, inode, count, this.#blockSize).reduce((n, run) => n + extentsOf(run.count), 0);
    return treeBlocks(extents, this.#blockSize);
  }

  /** Makes all trees; `firstBlock` is the number of the first tree block in the image. */
  build(numbering: Numbering, contents: Contents, firstBlock: number): BuiltExtentTrees {
    const blocks = new Uint8Array(this.#blockCount * this.#blockSize);
    const roots = new Map<number, Uint8Array>();
    for (const [inode, first] of this.#first) {
      const extents = makeExtents(
        runsOf(this.#tree, inode, contents.count[inode]!, this.#blockSize),
        contents.first[inode]!,
      );
      const writer = new TreeWriter(blocks, this.#blockSize, first, firstBlock, inodeSeed(numbering.ino[inode]!));
      roots.set(inode, writer.write(extents));
    }
    return new BuiltExtentTrees(this.#tree, contents, this.#blockSize, blocks, roots, this.#first);
  }
}

/** A node's entry, of a leaf (`length` blocks) or of an inner node. */
interface TreeEntry {
  readonly block: number;
  readonly length: number;
  readonly start: number;
}

function makeExtents(runs: readonly Run[], first: number): TreeEntry[] {
  const extents: TreeEntry[] = [];
  let start = first;
  for (const run of runs) {
    for (let done = 0; done < run.count; done += EXT_INIT_MAX_LEN) {
      const length = Math.min(EXT_INIT_MAX_LEN, run.count - done);
      extents.push({ block: run.block + done, length, start });
      start += length;
    }
  }
  return extents;
}

/** Writes one inode's tree into its blocks. */
class TreeWriter {
  readonly #blocks: Uint8Array;
  readonly #view: DataView;
  readonly #blockSize: number;
  readonly #firstBlock: number;
  readonly #seed: number;
  #next: number;

  constructor(blocks: Uint8Array, blockSize: number, next: number, firstBlock: number, seed: number) {
    this.#blocks = blocks;
    this.#view = new DataView(blocks.buffer);
    this.#blockSize = blockSize;
    this.#next = next;
    this.#firstBlock = firstBlock;
    this.#seed = seed;
  }

  /** Writes the levels from the leaves up; returns the root, 60 bytes. */
  write(extents: readonly TreeEntry[]): Uint8Array {
    const max = entriesMax(this.#blockSize);
    let level = extents;
    let depth = 0;
    for (; level.length > ROOT_ENTRIES_MAX; depth++) {
      const above: TreeEntry[] = [];
      for (let i = 0; i < level.length; i += max) above.push(this.#node(level.slice(i, i + max), depth, max));
      level = above;
    }
    const root = new Uint8Array(ExtentHeader.size + ROOT_ENTRIES_MAX * Extent.size);
    writeNode(new DataView(root.buffer), 0, level, depth, ROOT_ENTRIES_MAX);
    return root;
  }

  #node(entries: readonly TreeEntry[], depth: number, max: number): TreeEntry {
    const block = this.#next++;
    const at = block * this.#blockSize;
    writeNode(this.#view, at, entries, depth, max);
    const tail = at + ExtentHeader.size + max * Extent.size;
    this.#view.setUint32(tail, crc32c(this.#seed, this.#blocks.subarray(at, tail)), true);
    return { block: entries[0]!.block, length: 0, start: this.#firstBlock + block };
  }
}

/** Writes the root, 60 bytes at `at`, of a file whose `count` blocks, at most EXT_INIT_MAX_LEN, follow `first`. */
export function writeContiguousRoot(view: DataView, at: number, first: number, count: number): void {
  writeNode(view, at, makeExtents([{ block: 0, count }], first), 0, ROOT_ENTRIES_MAX);
}

function writeNode(view: DataView, at: number, entries: readonly TreeEntry[], depth: number, eh_max: number): void {
  const { eh_magic, eh_entries, eh_max: max, eh_depth } = ExtentHeader.fields;
  view.setUint16(at + eh_magic.offset, EXT4_EXT_MAGIC, true);
  view.setUint16(at + eh_entries.offset, entries.length, true);
  view.setUint16(at + max.offset, eh_max, true);
  view.setUint16(at + eh_depth.offset, depth, true);
  for (let i = 0; i < entries.length; i++) {
    writeEntry(view, at + ExtentHeader.size + i * Extent.size, entries[i]!, depth);
  }
}

function writeEntry(view: DataView, at: number, { block, length, start }: TreeEntry, depth: number): void {
  if (depth === 0) {
    view.setUint32(at + Extent.fields.ee_block.offset, block, true);
    view.setUint16(at + Extent.fields.ee_len.offset, length, true);
    view.setUint32(at + Extent.fields.ee_start_lo.offset, start, true);
  } else {
    view.setUint32(at + ExtentIndex.fields.ei_block.offset, block, true);
    view.setUint32(at + ExtentIndex.fields.ei_leaf_lo.offset, start, true);
  }
}

/** The extent trees of an image. */
export class BuiltExtentTrees implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #tree: Tree;
  readonly #contents: Contents;
  readonly #blockSize: number;
  readonly #blocks: Uint8Array;
  readonly #roots: ReadonlyMap<number, Uint8Array>;
  readonly #first: ReadonlyMap<number, number>;

  constructor(
    tree: Tree,
    contents: Contents,
    blockSize: number,
    blocks: Uint8Array,
    roots: ReadonlyMap<number, Uint8Array>,
    first: ReadonlyMap<number, number>,
  ) {
    this.length = blocks.length;
    this.labelUnit = blockSize;
    this.#tree = tree;
    this.#contents = contents;
    this.#blockSize = blockSize;
    this.#blocks = blocks;
    this.#roots = roots;
    this.#first = first;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.#blocks.subarray(offset, offset + target.length));
  }

  label(offset: number): string {
    const block = Math.floor(offset / this.#blockSize);
    let owner = 0;
    for (const [inode, first] of this.#first) if (first <= block) owner = inode;
    return `extent tree of /${this.#tree.displayInode(owner)}`;
  }

  /** Writes the root of an inode's tree into its i_block at `at`. */
  writeRoot(inode: number, at: number, target: Uint8Array, view: DataView): void {
    const root = this.#roots.get(inode);
    if (root !== undefined) return target.set(root, at);
    const count = this.#contents.count[inode]!;
    const runs = runsOf(this.#tree, inode, count, this.#blockSize);
    writeNode(view, at, makeExtents(runs, this.#contents.first[inode]!), 0, ROOT_ENTRIES_MAX);
  }
}
