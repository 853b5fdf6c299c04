import * as crypto from 'node:crypto';
import type { Sha256 } from '../core/ext4/uuid.ts';
import { VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import type { HashBlock } from '../core/verity/merkle-tree.ts';

/** A SHA-256 in progress. */
export function sha256(): Sha256 {
  const hash = crypto.createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

/** The SHA-256 of a salt and a block of a hash tree. */
export function blockHash(salt: Uint8Array = new Uint8Array()): HashBlock {
  if (salt.length === 0) return (block) => crypto.hash('sha256', block, 'buffer');
  const salted = new Uint8Array(salt.length + VERITY_BLOCK_SIZE);
  salted.set(salt);
  return (block) => {
    salted.set(block, salt.length);
    return crypto.hash('sha256', salted, 'buffer');
  };
}
