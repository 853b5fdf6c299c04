import { crc32c } from 'ext2fs-wasm';
import { high32, low32 } from '../struct.ts';
import { inodeSeed } from './checksums.ts';
import {
  EXT_INIT_MAX_LEN,
  EXT4_EXT_MAGIC,
  Extent,
  ExtentHeader,
  ExtentIndex,
  ROOT_ENTRIES_MAX,
} from './format/extent.ts';
import type { MappingParts as Parts, Mappings } from './mappings.ts';

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

/** Counts the extents of an inode, as makeExtents would make them. */
function countExtents(ino: number, { contents, contentBlocks }: Parts): number {
  let extents = 0;
  let content = contents.first[ino]!;
  for (const { count } of contents.runs(ino)) {
    contentBlocks.forEachRun(content, count, (_, length) => {
      extents += extentsOf(length);
    });
    content += count;
  }
  return extents;
}

/** Whether it is known without counting that an inode's extents fit its root. */
function fitsRoot(ino: number, { contents, contentBlocks }: Parts): boolean {
  const count = contents.count[ino]!;
  if (count <= ROOT_ENTRIES_MAX) return true;
  return (
    count <= EXT_INIT_MAX_LEN * ROOT_ENTRIES_MAX &&
    !contents.isSparse(ino) &&
    contentBlocks.contiguousFrom(contents.first[ino]!) >= count
  );
}

/** By inode number, in ascending order: how many blocks a tree takes besides its root, for those that take any. */
function countTreeBlocks(parts: Parts): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (let ino = 0; ino < parts.contents.count.length; ino++) {
    if (fitsRoot(ino, parts)) continue;
    const blocks = treeBlocks(countExtents(ino, parts), parts.blockSize);
    if (blocks > 0) found.set(ino, blocks);
  }
  return found;
}

/** A node's entry, of a leaf (`length` blocks) or of an inner node. */
interface TreeEntry {
  readonly block: number;
  readonly length: number;
  readonly start: number;
}

function makeExtents(ino: number, { contents, contentBlocks }: Parts): TreeEntry[] {
  const extents: TreeEntry[] = [];
  let content = contents.first[ino]!;
  for (const run of contents.runs(ino)) {
    let { block } = run;
    contentBlocks.forEachRun(content, run.count, (start, count) => {
      for (let done = 0; done < count; done += EXT_INIT_MAX_LEN) {
        const length = Math.min(EXT_INIT_MAX_LEN, count - done);
        extents.push({ block: block + done, length, start: start + done });
      }
      block += count;
    });
    content += run.count;
  }
  return extents;
}

/**
 * The extent trees that do not fit their inodes. They stand one after another in the order of inode numbers, each from its leaves
 * to the level below the root.
 */
export class ExtentTrees implements Mappings {
  readonly length: number;
  readonly labelUnit: number;
  readonly #parts: Parts;
  readonly #trees: ReadonlyMap<number, number>;
  readonly #blocks: Uint8Array;
  readonly #roots = new Map<number, Uint8Array>();

  constructor(parts: Parts) {
    const { blockSize, first } = parts;
    const trees = countTreeBlocks(parts);
    this.#parts = parts;
    this.#trees = trees;
    this.labelUnit = blockSize;
    this.length = [...trees.values()].reduce((sum, count) => sum + count, 0) * blockSize;
    this.#blocks = new Uint8Array(this.length);
    let next = 0;
    for (const [ino, count] of trees) {
      const blocks = this.#blocks.subarray(next * blockSize, (next + count) * blockSize);
      const base = first + next;
      const writer = new TreeWriter(blocks, blockSize, (i) => parts.contentBlocks.blockOf(base + i), inodeSeed(ino));
      this.#roots.set(ino, writer.write(makeExtents(ino, parts)));
      next += count;
    }
  }

  blocksOf(ino: number): number {
    return this.#trees.get(ino) ?? 0;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.#blocks.subarray(offset, offset + target.length));
  }

  label(offset: number): string {
    let block = Math.floor(offset / this.labelUnit);
    for (const [ino, count] of this.#trees) {
      if (block < count) return `extent tree of ${this.#parts.label(ino)}`;
      block -= count;
    }
    return 'extent trees';
  }

  writeRoot(ino: number, at: number, target: Uint8Array, view: DataView): void {
    const root = this.#roots.get(ino);
    if (root !== undefined) target.set(root, at);
    else writeNode(view, at, makeExtents(ino, this.#parts), 0, ROOT_ENTRIES_MAX);
  }
}

/** Writes one inode's tree into its blocks. */
class TreeWriter {
  readonly #blocks: Uint8Array;
  readonly #view: DataView;
  readonly #blockSize: number;
  readonly #blockOf: (block: number) => number;
  readonly #seed: number;
  #next = 0;

  /** `blockOf` gives the block of the image that a block of the tree is. */
  constructor(blocks: Uint8Array, blockSize: number, blockOf: (block: number) => number, seed: number) {
    this.#blocks = blocks;
    this.#view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
    this.#blockSize = blockSize;
    this.#blockOf = blockOf;
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
    return { block: entries[0]!.block, length: 0, start: this.#blockOf(block) };
  }
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
    view.setUint16(at + Extent.fields.ee_start_hi.offset, high32(start), true);
    view.setUint32(at + Extent.fields.ee_start_lo.offset, low32(start), true);
  } else {
    view.setUint32(at + ExtentIndex.fields.ei_block.offset, block, true);
    view.setUint32(at + ExtentIndex.fields.ei_leaf_lo.offset, low32(start), true);
    view.setUint16(at + ExtentIndex.fields.ei_leaf_hi.offset, high32(start), true);
  }
}
