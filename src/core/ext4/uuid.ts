import { assert } from '../errors.ts';
import { describeTree } from '../tree/description.ts';
import type { NameOrder } from '../tree/order.ts';
import type { Tree } from '../tree/tree.ts';
import { type Ext4Options, FORMAT_VERSION } from './options.ts';

/** A SHA-256 in progress: the host's own. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The 32 bytes; nothing may follow. */
  digest(): Uint8Array;
}

/**
 * The UUID of an image, 16 bytes: RFC 9562 version 8, from the SHA-256 of the format version, the options and the tree's
 * description. File contents are not in it: they would have to be read before the first block is known.
 */
export function deriveUuid(tree: Tree, names: NameOrder, options: Ext4Options, sha256: Sha256): Uint8Array {
  const { blockSize, size, free, inodes, label, placement, metadata } = options;
  const described = [FORMAT_VERSION, blockSize, size ?? 0, free, inodes ?? 0, label, placement, metadata.epoch];
  sha256.update(new TextEncoder().encode(`blockloom ext4 ${JSON.stringify(described)}\n`));
  describeTree(tree, names, metadata, (piece) => sha256.update(piece));
  const digest = sha256.digest();
  assert(digest.length === 32, `a SHA-256 has 32 bytes, not ${digest.length}`);
  const uuid = digest.slice(0, 16);
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return uuid;
}
