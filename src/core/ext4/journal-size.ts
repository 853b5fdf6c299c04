import { JOURNAL_BLOCKS_MIN } from './options.ts';

/** The journal's blocks in a filesystem of fewer than so many blocks, as mke2fs chooses them (ext2fs_default_journal_size). */
const JOURNAL_BLOCKS: readonly (readonly [below: number, journalBlocks: number])[] = [
  [32_768, JOURNAL_BLOCKS_MIN],
  [2 ** 18, 4096],
  [2 ** 19, 8192],
  [2 ** 22, 16_384],
  [2 ** 23, 32_768],
  [2 ** 24, 65_536],
  [2 ** 25, 131_072],
  [Number.POSITIVE_INFINITY, 262_144],
];

/** How many blocks the journal of a filesystem of `blocks` blocks has. */
export function journalBlocksOf(blocks: number): number {
  return JOURNAL_BLOCKS.find(([below]) => blocks < below)![1];
}
