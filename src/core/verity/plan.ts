import { composePlans } from '../plan/compose.ts';
import type { BytesSource, Plan, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { VERITY_BLOCK_SIZE } from './format.ts';
import type { VerityLayout } from './layout.ts';
import { type HashBlock, zeroTreeBlock } from './merkle-tree.ts';

/** A plan with its hash tree behind it, whose blob has number `treeBlob`. */
export function withHashTree(base: Plan, tree: Plan, treeBlob: number): Plan {
  return composePlans([
    { plan: base, start: 0, firstBlob: 0 },
    { plan: tree, start: base.size, firstBlob: treeBlob },
  ]);
}

/**
 * The superblock, where there is one, and the hash tree: the only blob holds the superblock, and then the blocks of the tree that do not stand above zeros
 * alone, in the order of the image.
 */
export function planHashTree(layout: VerityLayout, hash: HashBlock): Plan {
  return {
    size: layout.hashBlocks * VERITY_BLOCK_SIZE,
    regions: treeRegions(layout),
    bytes: layout.levels.map((level, i) => repeated(zeroTreeBlock(hash, i), level.blocks, levelLabel(i))),
    label: (_owner, offset) => labelOf(layout, Math.floor(offset / VERITY_BLOCK_SIZE)),
  };
}

/** The regions of superblock and tree; the source of the equal blocks of a level follows those of the levels below. */
function treeRegions({ levels, hasSuperblock }: VerityLayout): Regions {
  const builder = new RegionsBuilder();
  if (hasSuperblock) builder.blob(0, VERITY_BLOCK_SIZE, 0, 0, 0);
  for (const [i, { first, blocks, aboveZeros, firstStored }] of [...levels.entries()].reverse()) {
    let stored = firstStored;
    let block = 0;
    const store = (end: number): void => {
      const length = (end - block) * VERITY_BLOCK_SIZE;
      builder.blob((first + block) * VERITY_BLOCK_SIZE, length, 0, stored * VERITY_BLOCK_SIZE, 0);
      stored += end - block;
    };
    for (let run = 0; run < aboveZeros.start.length; run++) {
      const start = aboveZeros.start[run]!;
      store(start);
      block = aboveZeros.end[run]!;
      builder.bytes((first + start) * VERITY_BLOCK_SIZE, (block - start) * VERITY_BLOCK_SIZE, i);
    }
    store(blocks);
  }
  return builder.finish();
}

/** One block, `count` times. */
function repeated(block: Uint8Array, count: number, label: string): BytesSource {
  return {
    length: count * block.length,
    read: (offset, target) => {
      for (let done = 0; done < target.length; ) {
        const within = (offset + done) % block.length;
        const length = Math.min(block.length - within, target.length - done);
        target.set(block.subarray(within, within + length), done);
        done += length;
      }
    },
    label: () => label,
    labelUnit: count * block.length,
  };
}

const levelLabel = (level: number): string => `hash tree, level ${level}`;

function labelOf({ levels }: VerityLayout, hashBlock: number): string {
  const level = levels.findIndex(({ first }) => first <= hashBlock);
  return level < 0 ? 'verity superblock' : levelLabel(level);
}
