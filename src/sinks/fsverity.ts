import * as crypto from 'node:crypto';
import { assert } from '../core/errors.ts';
import { bytes, high32, low32, struct, u8, u32 } from '../core/struct.ts';
import type { ImageHash } from './digest.ts';

/** The size of data and tree blocks, in bytes. */
const BLOCK_SIZE = 4096;
const LOG_BLOCK_SIZE = 12;
const HASH_SIZE = 32;
const HASHES_PER_BLOCK = BLOCK_SIZE / HASH_SIZE;
/** FS_VERITY_HASH_ALG_SHA256. */
const HASH_ALGORITHM = 1;

/** struct fsverity_descriptor, 256 bytes. https://docs.kernel.org/filesystems/fsverity.html#fs-verity-descriptor */
const Descriptor = struct('fsverity_descriptor', 256, {
  version: u8(0x00),
  hash_algorithm: u8(0x01),
  log_blocksize: u8(0x02),
  salt_size: u8(0x03),
  data_size_lo: u32(0x08),
  data_size_hi: u32(0x0c),
  root_hash: bytes(0x10, 64),
});

const sha256 = (block: Uint8Array): Uint8Array => crypto.hash('sha256', block, 'buffer');

/** A level of the Merkle tree: the hashes of the level below that do not fill a block yet. */
interface Level {
  readonly block: Uint8Array;
  used: number;
  count: number;
}

/**
 * The fs-verity file digest: SHA-256, 4 KiB blocks, no salt. Runs of zeros cost the logarithm of their length. Every piece but the
 * last is a multiple of 4096 bytes.
 */
export class FsVerityHash implements ImageHash {
  readonly #levels: Level[] = [];
  /** By level: the hash of a block that stands above zeros only. */
  readonly #zeroHashes: Uint8Array[] = [sha256(new Uint8Array(BLOCK_SIZE))];
  #size = 0;

  update(piece: Uint8Array): void {
    assert(this.#size % BLOCK_SIZE === 0, 'only the last piece may end within a block');
    this.#size += piece.length;
    for (let at = 0; at < piece.length; at += BLOCK_SIZE) {
      const block = piece.subarray(at, at + BLOCK_SIZE);
      this.#add(0, sha256(block.length === BLOCK_SIZE ? block : padded(block)));
    }
  }

  zeros(length: number): void {
    assert(this.#size % BLOCK_SIZE === 0, 'only the last piece may end within a block');
    this.#size += length;
    this.#addZeros(0, Math.ceil(length / BLOCK_SIZE));
  }

  digest(): string {
    const descriptor = new Uint8Array(Descriptor.size);
    Descriptor.write(new DataView(descriptor.buffer), 0, {
      version: 1,
      hash_algorithm: HASH_ALGORITHM,
      log_blocksize: LOG_BLOCK_SIZE,
      data_size_lo: low32(this.#size),
      data_size_hi: high32(this.#size),
      root_hash: this.#root(),
    });
    return crypto.hash('sha256', descriptor, 'hex');
  }

  #level(level: number): Level {
    return (this.#levels[level] ??= { block: new Uint8Array(BLOCK_SIZE), used: 0, count: 0 });
  }

  #add(index: number, hash: Uint8Array): void {
    const level = this.#level(index);
    level.block.set(hash, level.used);
    level.used += HASH_SIZE;
    level.count++;
    if (level.used === BLOCK_SIZE) this.#close(index);
  }

  #close(index: number): void {
    const level = this.#level(index);
    const hash = sha256(level.block.fill(0, level.used));
    level.used = 0;
    this.#add(index + 1, hash);
  }

  #addZeros(index: number, count: number): void {
    let left = count;
    for (; left > 0 && this.#level(index).used !== 0; left--) this.#add(index, this.#zeroHash(index));
    const blocks = Math.floor(left / HASHES_PER_BLOCK);
    if (blocks > 0) {
      this.#level(index).count += blocks * HASHES_PER_BLOCK;
      this.#addZeros(index + 1, blocks);
    }
    for (left -= blocks * HASHES_PER_BLOCK; left > 0; left--) this.#add(index, this.#zeroHash(index));
  }

  #zeroHash(level: number): Uint8Array {
    const known = this.#zeroHashes[level];
    if (known !== undefined) return known;
    const block = new Uint8Array(BLOCK_SIZE);
    const below = this.#zeroHash(level - 1);
    for (let at = 0; at < BLOCK_SIZE; at += HASH_SIZE) block.set(below, at);
    return (this.#zeroHashes[level] = sha256(block));
  }

  /** The hash of the only block of the highest level; of no data, zeros. */
  #root(): Uint8Array {
    if (this.#size === 0) return new Uint8Array(HASH_SIZE);
    for (let index = 0; ; index++) {
      const level = this.#level(index);
      if (level.count === 1) return level.block.slice(0, HASH_SIZE);
      if (level.used > 0) this.#close(index);
    }
  }
}

function padded(block: Uint8Array): Uint8Array {
  const whole = new Uint8Array(BLOCK_SIZE);
  whole.set(block);
  return whole;
}
