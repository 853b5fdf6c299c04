import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import type { Features } from './features.ts';
import { EXT_MAX_BLOCKS } from './format/extent.ts';
import { blocksReached } from './indirect-blocks.ts';
import type { Numbering } from './numbering.ts';

/** Throws `limit-exceeded` for a file or a symlink that is longer than blocks of `blockSize` bytes allow. */
export function checkLengths(tree: Tree, numbering: Numbering, blockSize: number, features: Features): void {
  const fileMax = features.has('extent') ? EXT_MAX_BLOCKS * blockSize : ext2FileMax(blockSize);
  // The kernel wants a NUL behind a target in its block.
  const symlinkMax = blockSize - 1;
  for (const inode of numbering.inodeOf) {
    if (inode === NONE) continue;
    const type = tree.inodeType.values[inode];
    if (type === EntryType.file) check(tree, inode, 'a file', fileLength(tree, inode), fileMax);
    if (type === EntryType.symlink) check(tree, inode, 'a symlink', tree.symlinkTarget(inode).length, symlinkMax);
  }
}

/** What indirect blocks reach, and what i_blocks counts of both data and indirect blocks: 2^32 sectors. */
function ext2FileMax(blockSize: number): number {
  const reached = blocksReached(blockSize);
  const counted = Math.floor((2 ** 32 - 1) / (blockSize / 512));
  const perBlock = blockSize / 4;
  const indirect = Math.ceil(counted / perBlock) + Math.ceil(counted / perBlock ** 2) + 3;
  return Math.min(reached, counted - indirect) * blockSize;
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
