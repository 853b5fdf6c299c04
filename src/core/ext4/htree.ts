import { DX_NODE_ENTRIES_OFFSET, DX_ROOT_ENTRIES_OFFSET, DxEntry, DxTail } from './format/directory-entry.ts';

/** How many entries a directory's dx_root holds; the checksum's tail takes the room of one. */
export const rootEntriesMax = (blockSize: number): number =>
  (blockSize - DX_ROOT_ENTRIES_OFFSET - DxTail.size) / DxEntry.size;

/** How many entries a dx_node holds. */
export const nodeEntriesMax = (blockSize: number): number =>
  (blockSize - DX_NODE_ENTRIES_OFFSET - DxTail.size) / DxEntry.size;

/**
 * How many dx_node blocks an index over `leaves` leaf blocks needs: 0 when the root holds them all, undefined when two
 * levels do not suffice.
 */
export function indexNodes(leaves: number, blockSize: number): number | undefined {
  if (leaves <= rootEntriesMax(blockSize)) return 0;
  const nodes = Math.ceil(leaves / nodeEntriesMax(blockSize));
  return nodes <= rootEntriesMax(blockSize) ? nodes : undefined;
}
