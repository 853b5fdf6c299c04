import { createHash } from 'node:crypto';

const BLOCK = 4096;

/** The hash tree of dm-verity over `data` as its documentation has it, made in the plainest way: the levels from the highest. */
export function plainTree(data: Uint8Array, salt: Uint8Array): { root: Uint8Array; tree: Uint8Array } {
  const levels: Uint8Array[] = [];
  let level: Uint8Array = data;
  let hashes = hashesOf(level, salt);
  while (level.length > BLOCK) {
    level = Buffer.concat([hashes, Buffer.alloc((BLOCK - (hashes.length % BLOCK)) % BLOCK)]);
    levels.unshift(level);
    hashes = hashesOf(level, salt);
  }
  return { root: hashes, tree: Buffer.concat(levels) };
}

function hashesOf(level: Uint8Array, salt: Uint8Array): Buffer {
  const blocks = Array.from({ length: level.length / BLOCK }, (_, i) => level.subarray(i * BLOCK, (i + 1) * BLOCK));
  return Buffer.concat(blocks.map((block) => createHash('sha256').update(salt).update(block).digest()));
}
