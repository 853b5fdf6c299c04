import { createHash } from 'node:crypto';
import { assert } from '../core/errors.ts';
import { fsVerityDescriptor } from '../core/verity/file-tree.ts';
import { VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import { MerkleTree } from '../core/verity/merkle-tree.ts';
import { blockHash } from '../image/sha256.ts';
import type { ImageHash } from './digest.ts';

/**
 * The fs-verity file digest: SHA-256, 4 KiB blocks, no salt. Runs of zeros cost the logarithm of their length. Every piece but the
 * last is a multiple of 4096 bytes.
 */
export class FsVerityHash implements ImageHash {
  readonly #hash = blockHash();
  readonly #tree = new MerkleTree(this.#hash);
  #size = 0;

  update(piece: Uint8Array): void {
    assert(this.#size % VERITY_BLOCK_SIZE === 0, 'only the last piece may end within a block');
    this.#size += piece.length;
    for (let at = 0; at < piece.length; at += VERITY_BLOCK_SIZE) {
      const block = piece.subarray(at, at + VERITY_BLOCK_SIZE);
      this.#tree.add(this.#hash(block.length === VERITY_BLOCK_SIZE ? block : padded(block)));
    }
  }

  zeros(length: number): void {
    assert(this.#size % VERITY_BLOCK_SIZE === 0, 'only the last piece may end within a block');
    this.#size += length;
    this.#tree.addZeros(Math.ceil(length / VERITY_BLOCK_SIZE));
  }

  digest(): string {
    return createHash('sha256').update(fsVerityDescriptor(this.#size, this.#tree.root())).digest('hex');
  }
}

function padded(block: Uint8Array): Uint8Array {
  const whole = new Uint8Array(VERITY_BLOCK_SIZE);
  whole.set(block);
  return whole;
}
