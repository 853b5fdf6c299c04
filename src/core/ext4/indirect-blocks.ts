import { u8Column, u32Column } from '../columns.ts';
import { BlockReader, lastAtMost } from '../plan/blocks-source.ts';
import { EXT2_IND_BLOCK, EXT2_NDIR_BLOCKS } from './format/inode.ts';
import type { MappingParts, Mappings } from './mappings.ts';

const LEVELS = 3;

/** The most blocks that a file's direct and indirect blocks reach. */
export function blocksReached(blockSize: number): number {
  const perBlock = blockSize / 4;
  return EXT2_NDIR_BLOCKS + perBlock + perBlock ** 2 + perBlock ** 3;
}

/**
 * ext2's indirect blocks, one behind another by inode number, in the order in which a file needs them: each before those that it
 * names, and where a file has a hole none.
 */
export class IndirectBlocks implements Mappings {
  readonly labelUnit: number;
  readonly #parts: MappingParts;
  readonly #perBlock: number;
  readonly #reader: BlockReader;
  /** By indirect block: whose it is, how many levels are below, and the first of the file's blocks that it is there for. */
  readonly #ino = u32Column();
  readonly #level = u8Column();
  readonly #block = u32Column();

  constructor(parts: MappingParts) {
    this.#parts = parts;
    this.#perBlock = parts.blockSize / 4;
    this.labelUnit = parts.blockSize;
    this.#reader = new BlockReader(parts.blockSize, (i, target, view) => this.#make(i, target, view));
    for (let ino = 0; ino < parts.contents.count.length; ino++) if (parts.contents.count[ino]! > 0) this.#addFile(ino);
  }

  get length(): number {
    return this.#ino.length * this.labelUnit;
  }

  blocksOf(ino: number): number {
    return this.#firstOf(ino + 1) - this.#firstOf(ino);
  }

  read(offset: number, target: Uint8Array): void {
    this.#reader.read(offset, target);
  }

  label(offset: number): string {
    return `indirect block of ${this.#parts.label(this.#ino.values[Math.floor(offset / this.labelUnit)]!)}`;
  }

  writeRoot(ino: number, at: number, _target: Uint8Array, view: DataView): void {
    this.#writeData(ino, 0, EXT2_NDIR_BLOCKS, at, view);
    const end = this.#firstOf(ino + 1);
    for (let i = this.#firstOf(ino); i < end; i++) {
      const level = this.#level.values[i]!;
      if (this.#block.values[i] !== this.#start(level)) continue;
      view.setUint32(at + 4 * (EXT2_IND_BLOCK + level - 1), this.#blockOf(i), true);
      if (level === LEVELS) break;
    }
  }

  /** The first of a file's blocks that its tree of `level` levels is there for. */
  #start(level: number): number {
    let start = EXT2_NDIR_BLOCKS;
    for (let below = 1; below < level; below++) start += this.#perBlock ** below;
    return start;
  }

  #addFile(ino: number): void {
    /** By level: the block that the last indirect block is there for. */
    const last: number[] = [];
    for (const { block, count } of this.#parts.contents.runs(ino)) {
      const end = block + count;
      for (let at = Math.max(block, EXT2_NDIR_BLOCKS); at < end; ) at = this.#addPath(ino, at, last);
    }
  }

  /** Adds the indirect blocks above a file's block that are not there; returns the next block that may need others. */
  #addPath(ino: number, block: number, last: number[]): number {
    let top = 1;
    while (top < LEVELS && block >= this.#start(top + 1)) top++;
    let first = 0;
    for (let level = top; level > 0; level--) {
      const span = this.#perBlock ** level;
      first = this.#start(top) + Math.floor((block - this.#start(top)) / span) * span;
      if (last[level] === first) continue;
      last[level] = first;
      this.#ino.push(ino);
      this.#level.push(level);
      this.#block.push(first);
    }
    return first + this.#perBlock;
  }

  #make(i: number, _target: Uint8Array, view: DataView): void {
    const [ino, level, block] = [this.#ino.values[i]!, this.#level.values[i]!, this.#block.values[i]!];
    if (level === 1) return this.#writeData(ino, block, this.#perBlock, 0, view);
    const span = this.#perBlock ** (level - 1);
    for (let child = i + 1; child < this.#ino.length && this.#ino.values[child] === ino; child++) {
      if (this.#level.values[child]! >= level) break;
      if (this.#level.values[child] !== level - 1) continue;
      view.setUint32(((this.#block.values[child]! - block) / span) * 4, this.#blockOf(child), true);
    }
  }

  /** Writes the numbers of a file's blocks from `block` on, 0 for a hole. */
  #writeData(ino: number, block: number, count: number, at: number, view: DataView): void {
    const { contents, contentBlocks } = this.#parts;
    contents.forEachRunIn(ino, block, block + count, (from, content, length) => {
      contentBlocks.forEachRun(content, length, (start, runLength) => {
        for (let i = 0; i < runLength; i++) view.setUint32(at + 4 * (from - block + i), start + i, true);
        from += runLength;
      });
    });
  }

  #blockOf(i: number): number {
    return this.#parts.contentBlocks.blockOf(this.#parts.first + i);
  }

  /** The first indirect block of an inode, or of the one behind it. */
  #firstOf(ino: number): number {
    const { values, length } = this.#ino;
    if (length === 0 || values[0]! >= ino) return 0;
    return lastAtMost(values, length, ino - 1) + 1;
  }
}
