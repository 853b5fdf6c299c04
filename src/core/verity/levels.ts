import { HASHES_PER_BLOCK } from './format.ts';

/** How many blocks each level of the tree over `dataBlocks` blocks has, from the leaves up; none over one block. */
export function levelBlocks(dataBlocks: number): number[] {
  const levels: number[] = [];
  for (let blocks = dataBlocks; blocks > 1; ) {
    blocks = Math.ceil(blocks / HASHES_PER_BLOCK);
    levels.push(blocks);
  }
  return levels;
}
