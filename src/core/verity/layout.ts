import { f64Column } from '../columns.ts';
import type { Plan } from '../plan/plan.ts';
import { ranges } from '../plan/ranges.ts';
import { HASHES_PER_BLOCK, VERITY_BLOCK_SIZE } from './format.ts';
import { levelBlocks } from './levels.ts';

/** Runs of blocks, ascending, that do not touch: where each begins, and where it ends. */
interface Runs {
  readonly start: Float64Array;
  readonly end: Float64Array;
}

/** A level of a hash tree, in blocks. */
interface HashLevel {
  readonly blocks: number;
  /** Where it begins behind the data; the superblock, where there is one, is 0. */
  readonly first: number;
  /** Which of its blocks stand above zeros alone: they are all the same. */
  readonly aboveZeros: Runs;
  /** Where its other blocks begin among those of all levels; the superblock, where there is one, is 0. */
  readonly firstStored: number;
}

/** Where the tree of dm-verity, and in front of it the superblock, lie behind the data that they are of; counted in blocks of 4096 bytes. */
export interface VerityLayout {
  readonly dataBlocks: number;
  readonly hasSuperblock: boolean;
  /** The superblock and the tree. */
  readonly hashBlocks: number;
  /** Of these, what is not made from nothing. */
  readonly storedBlocks: number;
  /** From the leaves up. */
  readonly levels: readonly HashLevel[];
}

/** Lays out the hash tree of a plan of whole blocks: as `veritysetup format` does, the highest level first. */
export function layOutVerity(plan: Plan, hasSuperblock = true): VerityLayout {
  const dataBlocks = plan.size / VERITY_BLOCK_SIZE;
  let runs = zeroBlocks(plan);
  const levels = levelBlocks(dataBlocks).map((blocks) => {
    runs = runsAbove(runs);
    return { blocks, aboveZeros: runs };
  });
  let hashBlocks = hasSuperblock ? 1 : 0;
  let storedBlocks = hashBlocks;
  const placed = levels.reverse().map(({ blocks, aboveZeros }) => {
    const level = { blocks, aboveZeros, first: hashBlocks, firstStored: storedBlocks };
    hashBlocks += blocks;
    storedBlocks += blocks - lengthOf(aboveZeros);
    return level;
  });
  return { dataBlocks, hasSuperblock, hashBlocks, storedBlocks, levels: placed.reverse() };
}

function zeroBlocks(plan: Plan): Runs {
  const start = f64Column();
  const end = f64Column();
  for (const { offset, length, hole } of ranges(plan, 0, plan.size, VERITY_BLOCK_SIZE)) {
    if (!hole) continue;
    start.push(offset / VERITY_BLOCK_SIZE);
    end.push((offset + length) / VERITY_BLOCK_SIZE);
  }
  return { start: start.trimmed(), end: end.trimmed() };
}

/** The blocks of the next level all of whose hashes are of blocks in `runs`. */
function runsAbove(runs: Runs): Runs {
  const start = f64Column();
  const end = f64Column();
  for (let i = 0; i < runs.start.length; i++) {
    const from = Math.ceil(runs.start[i]! / HASHES_PER_BLOCK);
    const to = Math.floor(runs.end[i]! / HASHES_PER_BLOCK);
    if (to <= from) continue;
    start.push(from);
    end.push(to);
  }
  return { start: start.trimmed(), end: end.trimmed() };
}

function lengthOf({ start, end }: Runs): number {
  return end.reduce((sum, to, i) => sum + to - start[i]!, 0);
}
