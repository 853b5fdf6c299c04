import { crc32c } from 'ext2fs-wasm';
import { from64, viewOf } from '../../struct.ts';
import { EXT4_EXT_MAGIC, EXT_INIT_MAX_LEN, Extent, ExtentHeader, ExtentIndex } from '../format/extent.ts';
import type { BlockReader } from './block-reader.ts';
import { checkChecksum, corrupt } from './failure.ts';
import { inodeChecksumSeed, ReadFlag, type ReadInode } from './inode.ts';
import type { ReadSuperblock } from './superblock.ts';

/** Consecutive blocks of a file that are consecutive in the image. Counted in blocks. */
export interface BlockRun {
  readonly logical: number;
  readonly physical: number;
  readonly count: number;
}

const ENTRY_SIZE = Extent.size;
/** An extent tree is no deeper (EXT4_MAX_EXTENT_DEPTH). */
const DEPTH_MAX = 5;
/** One more than every logical block number. */
const LOGICAL_END = 2 ** 32;

/**
 * The blocks of an inode that hold data, in the order of the file; neither holes nor blocks that were allocated and never
 * written; none where the inode itself holds it. `onNode` is told of the blocks that the map itself takes. Throws `image-corrupt`.
 */
export function* blockRuns(
  reader: BlockReader,
  superblock: ReadSuperblock,
  inode: ReadInode,
  onNode?: (block: number) => void,
): Generator<BlockRun, void> {
  if ((inode.flags & ReadFlag.inlineData) !== 0) return;
  const walk = new Walk(reader, superblock, inode, onNode);
  const runs = (inode.flags & ReadFlag.extents) === 0 ? walk.indirect() : walk.extents();
  let pending: { logical: number; physical: number; count: number } | undefined;
  let mapped = 0;
  for (const { logical, physical, count } of runs) {
    mapped += count;
    if (mapped > superblock.blocks) throw corrupt(`inode ${inode.ino} has more blocks than the filesystem`);
    if (
      pending !== undefined &&
      pending.logical + pending.count === logical &&
      pending.physical + pending.count === physical
    ) {
      pending.count += count;
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = { logical, physical, count };
  }
  if (pending !== undefined) yield pending;
}

class Walk {
  readonly #reader: BlockReader;
  readonly #superblock: ReadSuperblock;
  readonly #inode: ReadInode;
  readonly #onNode: ((block: number) => void) | undefined;

  constructor(
    reader: BlockReader,
    superblock: ReadSuperblock,
    inode: ReadInode,
    onNode: ((block: number) => void) | undefined,
  ) {
    this.#reader = reader;
    this.#superblock = superblock;
    this.#inode = inode;
    this.#onNode = onNode;
  }

  *extents(): Generator<BlockRun, void> {
    yield* this.#node(this.#inode.map, DEPTH_MAX + 1, 0, LOGICAL_END);
  }

  /** The extents of a node, all of which lie from `start` to `end`: so no node can stand at two places of a tree. */
  *#node(node: Uint8Array, depthLimit: number, start: number, end: number): Generator<BlockRun, void> {
    const view = viewOf(node);
    const header = ExtentHeader.read(view, 0);
    const { eh_entries: entries, eh_depth: depth } = header;
    const isRoot = depthLimit > DEPTH_MAX;
    if (header.eh_magic !== EXT4_EXT_MAGIC)
      throw this.#corrupt(`extent header with magic 0x${header.eh_magic.toString(16)}`);
    if (entries > header.eh_max || (header.eh_max + 1) * ENTRY_SIZE > node.length || (entries === 0 && !isRoot)) {
      throw this.#corrupt(`extent node with ${entries} of ${header.eh_max} entries`);
    }
    if (isRoot ? depth > DEPTH_MAX : depth !== depthLimit) throw this.#corrupt(`extent node of depth ${depth}`);
    let next = start;
    for (let i = 0; i < entries; i++) {
      const at = ExtentHeader.size + i * ENTRY_SIZE;
      const first = view.getUint32(at, true);
      if (first < next || first >= end) throw this.#corrupt(`extent at block ${first}, expected ${next} to ${end}`);
      if (depth === 0) {
        const run = this.#leaf(view, at, first, end);
        next = first + run.count;
        if (run.isWritten) yield { logical: first, physical: run.physical, count: run.count };
        continue;
      }
      const childEnd = i + 1 < entries ? view.getUint32(at + ENTRY_SIZE, true) : end;
      yield* this.#node(this.#child(view, at), depth - 1, first, childEnd);
      next = Math.max(childEnd, first + 1);
    }
  }

  #leaf(
    view: DataView,
    at: number,
    first: number,
    end: number,
  ): { physical: number; count: number; isWritten: boolean } {
    const length = view.getUint16(at + Extent.fields.ee_len.offset, true);
    const isWritten = length <= EXT_INIT_MAX_LEN;
    const count = isWritten ? length : length - EXT_INIT_MAX_LEN;
    const low = view.getUint32(at + Extent.fields.ee_start_lo.offset, true);
    const physical = from64(low, view.getUint16(at + Extent.fields.ee_start_hi.offset, true));
    if (count === 0 || first + count > end) throw this.#corrupt(`extent of ${count} blocks at block ${first}`);
    this.#checkRange(physical, count);
    return { physical, count, isWritten };
  }

  #child(view: DataView, at: number): Uint8Array {
    const low = view.getUint32(at + ExtentIndex.fields.ei_leaf_lo.offset, true);
    const block = from64(low, view.getUint16(at + ExtentIndex.fields.ei_leaf_hi.offset, true));
    const node = this.#metadata(block);
    const { ino, generation } = this.#inode;
    if (!this.#superblock.hasMetadataChecksums) return node;
    const tail = ExtentHeader.size + viewOf(node).getUint16(ExtentHeader.fields.eh_max.offset, true) * ENTRY_SIZE;
    if (tail + 4 > node.length) throw this.#corrupt(`extent block ${block} without room for its checksum`);
    const computed = crc32c(inodeChecksumSeed(this.#superblock, ino, generation), node.subarray(0, tail));
    checkChecksum(viewOf(node).getUint32(tail, true), computed, `inode ${ino}, extent block ${block}`);
    return node;
  }

  /** ext2's twelve blocks, and trees of one, two and three levels of blocks of block numbers. */
  *indirect(): Generator<BlockRun, void> {
    const view = viewOf(this.#inode.map);
    const { blockSize } = this.#superblock;
    const perBlock = blockSize / 4;
    const end = Math.ceil(this.#inode.size / blockSize);
    const seen = new Set<number>();
    for (let i = 0; i < Math.min(12, end); i++) yield* this.#block(view.getUint32(4 * i, true), i);
    let first = 12;
    for (let level = 1; level <= 3 && first < end; level++) {
      yield* this.#indirectBlock(view.getUint32(4 * (11 + level), true), level, first, end, seen);
      first += perBlock ** level;
    }
  }

  *#indirectBlock(
    block: number,
    level: number,
    first: number,
    end: number,
    seen: Set<number>,
  ): Generator<BlockRun, void> {
    if (block === 0) return;
    if (seen.has(block)) throw this.#corrupt(`block ${block} stands twice in its tree of indirect blocks`);
    seen.add(block);
    const view = viewOf(this.#metadata(block));
    const perBlock = this.#superblock.blockSize / 4;
    const span = perBlock ** (level - 1);
    for (let i = 0; i < perBlock && first + i * span < end; i++) {
      const child = view.getUint32(4 * i, true);
      if (level === 1) yield* this.#block(child, first + i);
      else yield* this.#indirectBlock(child, level - 1, first + i * span, end, seen);
    }
  }

  *#block(physical: number, logical: number): Generator<BlockRun, void> {
    if (physical === 0) return;
    this.#checkRange(physical, 1);
    yield { logical, physical, count: 1 };
  }

  #metadata(block: number): Uint8Array {
    this.#checkRange(block, 1);
    this.#onNode?.(block);
    return this.#reader.block(block, `inode ${this.#inode.ino}`);
  }

  #checkRange(physical: number, count: number): void {
    const { blocks, fields } = this.#superblock;
    if (physical > fields.s_first_data_block && physical + count <= blocks) return;
    throw this.#corrupt(`${count} blocks at ${physical}, outside the filesystem's ${blocks}`);
  }

  #corrupt(what: string): Error {
    return corrupt(`inode ${this.#inode.ino}: ${what}`);
  }
}
