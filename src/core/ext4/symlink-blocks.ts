import { EntryType } from '../layer/entry.ts';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { FAST_SYMLINK_MAX } from './format/inode.ts';
import type { Numbering } from './numbering.ts';

/** The symlinks whose targets do not fit their inode, in the order of inode numbers; each has one block. */
export function slowSymlinks(tree: Tree, numbering: Numbering): Uint32Array {
  return numbering.inodeOf.filter(
    (inode) =>
      inode !== NONE &&
      tree.inodeType.values[inode] === EntryType.symlink &&
      tree.symlinkTarget(inode).length > FAST_SYMLINK_MAX,
  );
}

/** The blocks of `symlinks`, one each. */
export function symlinkBlocks(tree: Tree, symlinks: Uint32Array, blockSize: number): BytesSource {
  const reader = new BlockReader(blockSize, (i, target) => target.set(tree.symlinkTarget(symlinks[i]!)));
  return {
    length: symlinks.length * blockSize,
    read: (offset, target) => reader.read(offset, target),
    labelUnit: blockSize,
    label: (offset) => `symlink /${tree.displayInode(symlinks[Math.floor(offset / blockSize)]!)}`,
  };
}
