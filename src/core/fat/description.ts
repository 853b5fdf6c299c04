import { hexOf } from '../bytes.ts';
import type { Sha256 } from '../ext4/uuid.ts';
import type { Xattr } from '../layer/entry.ts';
import { describeTree } from '../tree/description.ts';
import { attributesOf } from '../tree/metadata.ts';
import type { NameOrder } from '../tree/order.ts';
import type { Tree } from '../tree/tree.ts';
import type { FatOptions } from './options.ts';
import { FAT_SECONDS_MAX, FAT_SECONDS_MIN } from './times.ts';

const NO_XATTRS: readonly Xattr[] = [];

/** The digest of a tree's description with what FAT holds of it: no owners, modes or xattrs. `sha256:HEX`. */
export function describeFatTree(tree: Tree, names: NameOrder, { metadata }: FatOptions, sha256: Sha256): string {
  const inodes = {
    attributes: (inode: number) => {
      const { seconds } = attributesOf(tree, inode, metadata);
      const held = Math.min(Math.max(seconds, FAT_SECONDS_MIN), FAT_SECONDS_MAX);
      return { mode: 0, uid: 0, gid: 0, seconds: held - (held % 2), nanoseconds: 0 };
    },
    xattrs: () => NO_XATTRS,
  };
  describeTree(tree, names, inodes, (piece) => sha256.update(piece));
  return `sha256:${hexOf(sha256.digest())}`;
}
