import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { EXT_MAX_BLOCKS } from './format/extent.ts';
import type { Numbering } from './numbering.ts';

/** Throws `limit-exceeded` for a file or a symlink that is longer than blocks of `blockSize` bytes allow. */
export function checkLengths(tree: Tree, numbering: Numbering, blockSize: number): void {
  const fileMax = EXT_MAX_BLOCKS * blockSize;
  // The kernel wants a NUL behind a target in its block.
  const symlinkMax = blockSize - 1;
  for (const inode of numbering.inodeOf) {
    if (inode === NONE) continue;
    const type = tree.inodeType.values[inode];
    if (type === EntryType.file) check(tree, inode, 'a file', fileLength(tree, inode), fileMax);
    if (type === EntryType.symlink) check(tree, inode, 'a symlink', tree.symlinkTarget(inode).length, symlinkMax);
  }
}

function fileLength(tree: Tree, inode: number): number {
  const layer = tree.layers[tree.inodeLayer.values[inode]!] as LayerIndex;
  return layer.size[tree.inodeEntry.values[inode]!]!;
}

function check(tree: Tree, inode: number, what: string, length: number, max: number): void {
  if (length <= max) return;
  const context = { layer: tree.inodeLayer.values[inode], path: tree.displayInode(inode) };
  throw new ImageError('limit-exceeded', `${what} of ${length} bytes, at most ${max} with this block size`, context);
}
