import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { S_CHECKSUM_SEED } from '../../src/core/ext4/checksums.ts';
import { type BlockRun, ContentBlocks } from '../../src/core/ext4/content-blocks.ts';
import { Contents } from '../../src/core/ext4/contents.ts';
import { ExtentTrees } from '../../src/core/ext4/extents.ts';
import { featuresOf } from '../../src/core/ext4/features.ts';
import { IndirectBlocks } from '../../src/core/ext4/indirect-blocks.ts';
import type { Mappings } from '../../src/core/ext4/mappings.ts';
import { numberInodes } from '../../src/core/ext4/numbering.ts';
import { BlockReader } from '../../src/core/ext4/reader/block-reader.ts';
import { ReadFlag, type ReadInode } from '../../src/core/ext4/reader/inode.ts';
import { type BlockRun as ReadRun, blockRuns } from '../../src/core/ext4/reader/mapping.ts';
import type { ReadSuperblock } from '../../src/core/ext4/reader/superblock.ts';
import { fileBlocks } from '../../src/core/ext4/runs.ts';
import { ROOT } from '../../src/core/tree/tree.ts';
import { makeTree, put } from '../helpers/make-tree.ts';

const BLOCKS = 75_000;
const MAPPINGS_MAX = 4000;

/** What groups begin with: the blocks between the last and this one, and how many. */
const reserved = fc
  .array(fc.tuple(fc.oneof(fc.nat(3), fc.nat(900), fc.nat(40_000)), fc.integer({ min: 1, max: 70 })), { maxLength: 30 })
  .map((gaps) => {
    let at = 0;
    return gaps.map(([gap, count]): BlockRun => {
      const start = at + gap;
      at = start + count;
      return { start, count };
    });
  });

/** The blocks of an image that are left for contents, one by one. */
function contentsOf(runs: readonly BlockRun[]): Float64Array {
  const isReserved = new Uint8Array(BLOCKS * 2);
  for (const { start, count } of runs) isReserved.fill(1, start, start + count);
  const left = new Float64Array(isReserved.length);
  let count = 0;
  for (let block = 0; block < left.length; block++) if (isReserved[block] === 0) left[count++] = block;
  return left.subarray(0, count);
}

describe('any reserved blocks', () => {
  it('are those that contents go around', () => {
    fc.assert(
      fc.property(reserved, fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (runs, content, count) => {
        const blocks = new ContentBlocks(runs);
        const expected = Array.from(contentsOf(runs).subarray(content, content + count));
        const found: number[] = [];
        let pieces = 0;
        blocks.forEachRun(content, count, (start, length) => {
          pieces++;
          for (let i = 0; i < length; i++) found.push(start + i);
        });
        expect(found).toEqual(expected);
        const contiguous = expected.at(-1)! - expected[0]! === count - 1;
        expect(blocks.contiguousFrom(content) >= count).toBe(contiguous);
        expect(pieces === 1).toBe(contiguous);
        expect(blocks.blockOf(content)).toBe(expected[0]);
        expect(blocks.contentOf(expected[0]!)).toBe(content);
      }),
    );
  });

  it('have the number of the content block behind them', () => {
    fc.assert(
      fc.property(reserved, fc.nat(300), (runs, block) => {
        const behind = contentsOf(runs).findIndex((content) => content >= block);
        expect(new ContentBlocks(runs).contentOf(block)).toBe(behind);
      }),
    );
  });
});

const blockSizes = fc.constantFrom(1024 as const, 2048 as const, 4096 as const);

/** A file: blocks without data in front of some with data, over and over, or nothing but data. In blocks. */
const file = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map((count) => ({ count })),
  fc.constantFrom(11, 12, 13, 267, 268, 269, 32_767, 32_768, 32_769, 40_000).map((count) => ({ count })),
  fc
    .array(
      fc.tuple(
        fc.oneof(fc.constantFrom(0, 1, 12, 255, 256, 65_536, 4_300_000), fc.nat(100_000)),
        fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 100 })),
      ),
      { minLength: 1, maxLength: 60 },
    )
    .map((gaps) => ({ gaps })),
);

interface Blocks {
  readonly block: number;
  readonly count: number;
}

function runsOf(of: { readonly count: number } | { readonly gaps: readonly (readonly [number, number])[] }): Blocks[] {
  if ('count' in of) return [{ block: 0, count: of.count }];
  let at = 0;
  return of.gaps.map(([gap, count]) => {
    const block = at + gap;
    at = block + count;
    return { block, count };
  });
}

describe('the mapping of any files around any reserved blocks', () => {
  it.each(['ext4', 'ext2'] as const)('of %s is read as what it was made of', (fs) => {
    fc.assert(
      fc.property(reserved, blockSizes, fc.array(file, { minLength: 1, maxLength: 3 }), (around, blockSize, files) => {
        const all = files.map(runsOf);
        const tree = makeTree([
          all.map((runs, i) => {
            const { block, count } = runs.at(-1)!;
            const segments = runs.map((run) => ({ offset: run.block * blockSize, length: run.count * blockSize }));
            return put(`file-${i}`, (block + count) * blockSize, 'gaps' in files[i]! ? { segments } : {});
          }),
        ]);
        const features = featuresOf({ fs, journal: undefined, features: [] });
        const numbering = numberInodes(tree, ROOT, 'stable', features);
        const contents = new Contents(tree, numbering, blockSize, new Float64Array(0));
        const first = 3;
        const contentBlocks = new ContentBlocks(around);
        const inos = all.map((_, i) => 12 + i);
        // Data begins where no mapping can reach.
        let next = MAPPINGS_MAX;
        for (const ino of inos) {
          contents.first[ino] = next;
          contents.count[ino] = fileBlocks(tree.layers[0]!, ino - 12, blockSize);
          next += contents.count[ino]!;
        }
        const parts = { contents, contentBlocks, blockSize, first, label: String };
        const mappings = fs === 'ext4' ? new ExtentTrees(parts) : new IndirectBlocks(parts);
        const plain = contentsOf(around);
        const nodes: number[] = [];
        inos.forEach((ino, i) => {
          const before = nodes.length;
          const size = (all[i]!.at(-1)!.block + all[i]!.at(-1)!.count) * blockSize;
          const found = read(mappings, { ino, size, fs, blockSize, plain, first }, (node) => nodes.push(node));
          let content = contents.first[ino]!;
          const expected = all[i]!.flatMap(({ block, count }) => {
            content += count;
            return Array.from({ length: count }, (_, k) => ({
              logical: block + k,
              physical: plain[content - count + k]!,
            }));
          });
          expect(found).toEqual(joined(expected));
          expect(nodes.length - before).toBe(mappings.blocksOf(ino));
        });
        const made = mappings.length / blockSize;
        expect(nodes.toSorted((a, b) => a - b)).toEqual(Array.from(plain.subarray(first, first + made)));
        for (let i = 0; i < made; i++) expect(mappings.label(i * blockSize)).toMatch(/ of 1[234]$/);
      }),
      { numRuns: 60 },
    );
  });
});

interface Mapped {
  readonly ino: number;
  readonly size: number;
  readonly fs: 'ext4' | 'ext2';
  readonly blockSize: number;
  readonly plain: Float64Array;
  readonly first: number;
}

/** A file's blocks and those of the image that they are, as the reader finds them. */
function read(
  mappings: Mappings,
  { ino, size, fs, blockSize, plain, first }: Mapped,
  onNode: (block: number) => void,
): ReadRun[] {
  const at = new Map(Array.from(plain.subarray(0, MAPPINGS_MAX), (block, content) => [block, content - first]));
  const device = {
    size: 2 * BLOCKS * blockSize,
    read: (offset: number, target: Uint8Array) => mappings.read(at.get(offset / blockSize)! * blockSize, target),
  };
  const map = new Uint8Array(60);
  mappings.writeRoot(ino, 0, map, new DataView(map.buffer));
  const inode = { ino, size, map, generation: 0, flags: fs === 'ext4' ? ReadFlag.extents : 0 } as ReadInode;
  const superblock = {
    blockSize,
    blocks: 4 * BLOCKS,
    hasMetadataChecksums: fs === 'ext4',
    checksumSeed: S_CHECKSUM_SEED,
    fields: { s_first_data_block: -1 },
  } as ReadSuperblock;
  return Array.from(blockRuns(new BlockReader(device, blockSize), superblock, inode, onNode));
}

/** Single blocks, in runs. */
function joined(blocks: readonly Omit<ReadRun, 'count'>[]): ReadRun[] {
  const runs: { logical: number; physical: number; count: number }[] = [];
  for (const { logical, physical } of blocks) {
    const last = runs.at(-1);
    const isNext = last !== undefined && last.logical + last.count === logical;
    if (isNext && last.physical + last.count === physical) last.count++;
    else runs.push({ logical, physical, count: 1 });
  }
  return runs;
}
