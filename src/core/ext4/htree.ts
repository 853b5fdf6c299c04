import { DX_NODE_ENTRIES_OFFSET, DX_ROOT_ENTRIES_OFFSET, DxEntry, DxTail } from './format/directory-entry.ts';

/** How many entries a directory's dx_root holds; the checksum's tail takes the room of one. */
export const rootEntriesMax = (blockSize: number): number =>
  (blockSize - DX_ROOT_ENTRIES_OFFSET - DxTail.size) / DxEntry.size;

/** How many entries a dx_node holds. */
export const nodeEntriesMax = (blockSize: number): number =>
  (blockSize - DX_NODE_ENTRIES_OFFSET - DxTail.size) / DxEntry.size;

/** The most levels of dx_node blocks below the root without large_dir, and with it (EXT4_HTREE_LEVEL counts the root). */
export const NODE_LEVELS_COMPAT = 1;
const NODE_LEVELS_MAX = 2;

/**
 * How many dx_node blocks an index over `leaves` leaf blocks has on each level below its root, the highest level first: none when
 * the root holds all leaves. Undefined when more levels than Linux has would be needed.
 */
export function indexLevels(leaves: number, blockSize: number): readonly number[] | undefined {
  const levels: number[] = [];
  let width = leaves;
  while (width > rootEntriesMax(blockSize)) {
    if (levels.length === NODE_LEVELS_MAX) return undefined;
    width = Math.ceil(width / nodeEntriesMax(blockSize));
    levels.unshift(width);
  }
  return levels;
}
