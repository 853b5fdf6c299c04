import { crc32c } from 'ext2fs-wasm';
import { entryPathBytes } from '../layer/layer-index.ts';
import { roundUp } from '../struct.ts';
import { NONE, type Tree } from '../tree/tree.ts';

/** One path in so many may begin a new stretch. */
const CUT_PATHS = 64;

/**
 * Whether what an inode has may begin at a boundary of its own: told by its path alone, so that layers in which other files came, went
 * or grew have their cuts at the same files, and what is behind a cut stays where it was.
 */
export function isCut(tree: Tree, inode: number): boolean {
  const layer = tree.inodeLayer.values[inode]!;
  if (layer === NONE) return false;
  return crc32c(0, entryPathBytes(tree.layers[layer]!, tree.inodeEntry.values[inode]!)) % CUT_PATHS === 0;
}

/**
 * The boundary from `next` on that what follows `used` begins at: a multiple of `unit`, and of a power of two that is `share` of
 * what is used or less, so that a small change of that seldom moves what follows.
 */
export function coarseBoundary(next: number, used: number, share: number, unit: number): number {
  return roundUp(next, Math.max(unit, 2 ** Math.floor(Math.log2(Math.max(used * share, 1)))));
}
