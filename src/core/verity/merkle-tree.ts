import { HASH_SIZE, HASHES_PER_BLOCK, VERITY_BLOCK_SIZE } from './format.ts';

/** The hash of a block, 32 bytes; the salt, where there is one, is the host's to put before it. */
export type HashBlock = (block: Uint8Array) => Uint8Array;

/** A level of the tree: the hashes of the level below that do not fill a block yet. */
interface Level {
  readonly block: Uint8Array;
  used: number;
  count: number;
}

/**
 * The tree of hashes that dm-verity and fs-verity have in common: SHA-256 over blocks of 4096 bytes, each level the hashes of the
 * one below, until one hash is left. Blocks that stand above zeros alone cost the logarithm of their number and are not told.
 */
export class MerkleTree {
  readonly #hash: HashBlock;
  readonly #store: (level: number, block: Uint8Array) => void;
  readonly #levels: Level[] = [];
  /** By level: the hash of a block that stands above zeros only, once it was needed. */
  readonly #zeroHashes: Uint8Array[] = [];

  /** `store` is told every block of the tree, each level in order, from the leaves (0); `block` is its own until it returns. */
  constructor(hash: HashBlock, store: (level: number, block: Uint8Array) => void = () => undefined) {
    this.#hash = hash;
    this.#store = store;
  }

  /** Appends the hash of the next data block. */
  add(hash: Uint8Array): void {
    this.#add(0, hash);
  }

  /** Appends `count` data blocks of zeros; what they are told in does not matter, but blocks of the tree go untold only in one call. */
  addZeros(count: number): void {
    this.#addZeros(0, count);
  }

  /** Begins another tree; what is left of the last is gone. */
  restart(): void {
    for (const level of this.#levels) level.used = level.count = 0;
  }

  /** Ends the tree; returns the hash of its only block of the highest level, of one data block that block's, of none zeros. */
  root(): Uint8Array {
    if (this.#level(0).count === 0) return new Uint8Array(HASH_SIZE);
    for (let index = 0; ; index++) {
      const level = this.#level(index);
      if (level.count === 1) return level.block.slice(0, HASH_SIZE);
      if (level.used > 0) this.#close(index);
    }
  }

  #level(index: number): Level {
    return (this.#levels[index] ??= { block: new Uint8Array(VERITY_BLOCK_SIZE), used: 0, count: 0 });
  }

  #add(index: number, hash: Uint8Array): void {
    const level = this.#level(index);
    level.block.set(hash, level.used);
    level.used += HASH_SIZE;
    level.count++;
    if (level.used === VERITY_BLOCK_SIZE) this.#close(index);
  }

  #close(index: number): void {
    const level = this.#level(index);
    const hash = this.#hash(level.block.fill(0, level.used));
    this.#store(index, level.block);
    level.used = 0;
    this.#add(index + 1, hash);
  }

  #addZeros(index: number, count: number): void {
    const hash = zeroHash(this.#hash, index, this.#zeroHashes);
    let left = count;
    for (; left > 0 && this.#level(index).used !== 0; left--) this.#add(index, hash);
    const blocks = Math.floor(left / HASHES_PER_BLOCK);
    if (blocks > 0) {
      this.#level(index).count += blocks * HASHES_PER_BLOCK;
      this.#addZeros(index + 1, blocks);
    }
    for (left -= blocks * HASHES_PER_BLOCK; left > 0; left--) this.#add(index, hash);
  }
}

/** The block of level `level` that stands above zeros only. */
export function zeroTreeBlock(hash: HashBlock, level: number): Uint8Array {
  const block = new Uint8Array(VERITY_BLOCK_SIZE);
  const below = zeroHash(hash, level, []);
  for (let at = 0; at < VERITY_BLOCK_SIZE; at += HASH_SIZE) block.set(below, at);
  return block;
}

/** What such a block of level `level` holds; `known` keeps it by level. */
function zeroHash(hash: HashBlock, level: number, known: Uint8Array[]): Uint8Array {
  const block = new Uint8Array(VERITY_BLOCK_SIZE);
  known[0] ??= hash(block);
  for (let next = known.length; next <= level; next++) {
    for (let at = 0; at < VERITY_BLOCK_SIZE; at += HASH_SIZE) block.set(known[next - 1]!, at);
    known.push(hash(block));
  }
  return known[level]!;
}
