import type { BytesSource, Plan, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { VERITY_BLOCK_SIZE } from './format.ts';
import type { VerityLayout } from './layout.ts';
import { type HashBlock, zeroTreeBlock } from './merkle-tree.ts';

/**
 * A plan with its hash tree behind it: blob number `treeBlob` holds the superblock and then the blocks of the tree that do not
 * stand above zeros alone, in the order of the image. All else of `base` stays.
 */
export function planVerity<P extends Plan>(base: P, layout: VerityLayout, treeBlob: number, hash: HashBlock): P {
  const zeroBlocks = layout.levels.map((level, i) => repeated(zeroTreeBlock(hash, i), level.blocks, levelLabel(i)));
  return {
    ...base,
    size: base.size + layout.hashBlocks * VERITY_BLOCK_SIZE,
    regions: joined(base.regions, treeRegions(layout, treeBlob, base.bytes.length), base.size),
    bytes: [...base.bytes, ...zeroBlocks],
    label: (owner: number, offset: number) =>
      offset < base.size
        ? base.label(owner, offset)
        : labelOf(layout, Math.floor((offset - base.size) / VERITY_BLOCK_SIZE)),
  };
}

/** The regions of superblock and tree, from 0; the source of the equal blocks of a level follows those of the levels below. */
function treeRegions({ levels }: VerityLayout, treeBlob: number, firstSource: number): Regions {
  const builder = new RegionsBuilder();
  builder.blob(0, VERITY_BLOCK_SIZE, treeBlob, 0, 0);
  for (const [i, { first, blocks, aboveZeros, firstStored }] of [...levels.entries()].reverse()) {
    let stored = firstStored;
    let block = 0;
    const store = (end: number): void => {
      const length = (end - block) * VERITY_BLOCK_SIZE;
      builder.blob((first + block) * VERITY_BLOCK_SIZE, length, treeBlob, stored * VERITY_BLOCK_SIZE, 0);
      stored += end - block;
    };
    for (let run = 0; run < aboveZeros.start.length; run++) {
      const start = aboveZeros.start[run]!;
      store(start);
      block = aboveZeros.end[run]!;
      builder.bytes((first + start) * VERITY_BLOCK_SIZE, (block - start) * VERITY_BLOCK_SIZE, firstSource + i);
    }
    store(blocks);
  }
  return builder.finish();
}

/** Regions, and behind them at `offset` others, whose starts count from there. */
function joined(regions: Regions, others: Regions, offset: number): Regions {
  const count = regions.count + others.count;
  const start = new Float64Array(count + 1);
  start.set(regions.start);
  for (let i = 0; i <= others.count; i++) start[regions.count + i] = offset + others.start[i]!;
  return {
    count,
    start,
    kind: concat(new Uint8Array(count), regions.kind, others.kind),
    source: concat(new Uint32Array(count), regions.source, others.source),
    offset: concat(new Float64Array(count), regions.offset, others.offset),
    owner: concat(new Uint32Array(count), regions.owner, others.owner),
  };
}

function concat<T extends Uint8Array | Uint32Array | Float64Array>(whole: T, first: T, second: T): T {
  whole.set(first);
  whole.set(second, first.length);
  return whole;
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
