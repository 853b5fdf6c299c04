import { roundUp } from '../struct.ts';
import type { Tree } from '../tree/tree.ts';
import { coarseBoundary, isCut } from './cuts.ts';
import type { InlineFiles } from './inline-data.ts';
import type { Numbering } from './numbering.ts';
import type { Placement } from './options.ts';
import { fileBlocks, fileEntry } from './runs.ts';
import type { VerityBlocks } from './verity-files.ts';

/** The unit that images are compared and shared in, in bytes: each layer's data begins at a multiple of it. */
export const CHUNK_SIZE = 512 * 1024;

/** How much data has to lie in front of a boundary within a layer, and how long a file is that begins at one, in bytes. */
const STRETCH_SIZE = 8 * CHUNK_SIZE;

/** Where file data lies, in blocks from the beginning of all data. */
export interface DataPlacement {
  /** By the tree's inode. */
  readonly first: Float64Array;
  /** By the tree's inode; a file without data has 0. */
  readonly count: Float64Array;
  /** The files with data in their order, those that are gone included when they keep their place. */
  readonly files: Uint32Array;
  /** Of a file's blocks, those behind its data that fs-verity's metadata takes. */
  readonly verity: VerityBlocks;
  readonly length: number;
}

/**
 * Places file data in the order of numbering. With `stable` a file that is gone keeps its blocks, unallocated, so that everything
 * behind it stays where it was; layers, large files, and in a long stretch of small ones some, begin at a chunk's boundary, so that
 * what changes in one stretch leaves the chunks of the others as they were.
 */
export function placeData(
  tree: Tree,
  { order }: Numbering,
  blockSize: number,
  placement: Placement,
  { inlineFiles, verity }: { readonly inlineFiles: InlineFiles; readonly verity: VerityBlocks },
): DataPlacement {
  const first = new Float64Array(tree.inodeCount);
  const count = new Float64Array(tree.inodeCount);
  const files = new Uint32Array(tree.inodeCount);
  const chunkBlocks = CHUNK_SIZE / blockSize;
  const stretchBlocks = STRETCH_SIZE / blockSize;
  let fileCount = 0;
  let next = 0;
  let layer = -1;
  let layerStart = 0;
  let stretchStart = 0;
  const beginsStretch = (blocks: number, before: number, inode: number): boolean =>
    blocks >= stretchBlocks || (before >= stretchBlocks && isCut(tree, inode));
  for (const inode of order) {
    const file = fileEntry(tree, inode);
    if (file === undefined || inlineFiles.has(inode)) continue;
    const blocks = fileBlocks(file.index, file.entry, blockSize) + (verity[inode] ?? 0);
    if (blocks === 0) continue;
    if (placement === 'stable' && tree.inodeLayer.values[inode] !== layer) {
      layer = tree.inodeLayer.values[inode]!;
      layerStart = stretchStart = next = coarseBoundary(next, next - layerStart, 1 / 32, chunkBlocks);
    } else if (placement === 'stable' && beginsStretch(blocks, next - stretchStart, inode)) {
      stretchStart = next = roundUp(next, chunkBlocks);
    }
    first[inode] = next;
    count[inode] = blocks;
    files[fileCount++] = inode;
    next += blocks;
  }
  return { first, count, files: files.slice(0, fileCount), verity, length: next };
}
