import type { ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import type { NameOrder } from '../tree/order.ts';
import { selectFiles } from '../tree/select-files.ts';
import type { Tree } from '../tree/tree.ts';
import { metadataBlock, metadataBlocks } from '../verity/file-tree.ts';
import { EXT_MAX_BLOCKS } from './format/extent.ts';

/**
 * By the tree's inode: how many blocks the Merkle tree and the descriptor of a file with fs-verity take; 0 for all others. Empty
 * where no file has it.
 */
export type VerityBlocks = Float64Array;

/** Files with fs-verity in the order of their data, as columns; the metadata of one follows that of another. */
export interface VerityFiles {
  readonly count: number;
  /** Where each comes from: its layer, and the entry there. */
  readonly layer: Uint32Array;
  readonly entry: Uint32Array;
  /** Its first path from the root, for people. */
  readonly label: (file: number) => string;
}

/** The files that patterns select. Throws as `selectFiles` does, and `limit-exceeded` for a file too long to have its tree behind it. */
export function verityBlocksOf(tree: Tree, names: NameOrder, patterns: readonly ByteString[]): VerityBlocks {
  if (patterns.length === 0) return new Float64Array(0);
  const selected = selectFiles(tree, names, patterns);
  return Float64Array.from(selected, (isSelected, inode) => (isSelected === 1 ? blocksOf(tree, inode) : 0));
}

/** Those of files with data or without, in their order, that have fs-verity. */
export function verityFilesOf(tree: Tree, files: Uint32Array, blocks: VerityBlocks): VerityFiles {
  const among = blocks.length === 0 ? new Uint32Array(0) : files;
  const chosen = among.filter((inode) => tree.inodeDentries.values[inode]! > 0 && (blocks[inode] ?? 0) > 0);
  return {
    count: chosen.length,
    layer: chosen.map((inode) => tree.inodeLayer.values[inode]!),
    entry: chosen.map((inode) => tree.inodeEntry.values[inode]!),
    label: (file) => `/${tree.displayInode(chosen[file]!)}`,
  };
}

function blocksOf(tree: Tree, inode: number): number {
  const layer = tree.inodeLayer.values[inode]!;
  const index = tree.layers[layer] as LayerIndex;
  const size = index.size[tree.inodeEntry.values[inode]!]!;
  const blocks = metadataBlocks(size);
  if (metadataBlock(size) + blocks <= EXT_MAX_BLOCKS) return blocks;
  const context = { layer, path: tree.displayInode(inode) };
  throw new ImageError('limit-exceeded', `a file of ${size} bytes, which leaves no room for a Merkle tree`, context);
}
