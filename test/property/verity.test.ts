import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan/plan.ts';
import { RegionsBuilder } from '../../src/core/plan/regions.ts';
import { blockRuns } from '../../src/core/verity/block-runs.ts';
import { layOutVerity } from '../../src/core/verity/layout.ts';
import { MerkleTree } from '../../src/core/verity/merkle-tree.ts';
import { planHashTree, withHashTree } from '../../src/core/verity/plan.ts';
import { PlannedImage } from '../../src/image/image.ts';
import { blockHash } from '../../src/image/sha256.ts';
import { memoryBlob, plainBytes } from '../helpers/memory-plan.ts';
import { plainTree } from '../helpers/plain-verity.ts';

const BLOCK = 4096;
const LAYER = Uint8Array.from({ length: 1 << 20 }, (_, i) => 1 + ((i * 7 + (i >> 8)) % 255));
const MADE = Uint8Array.from({ length: 1 << 16 }, (_, i) => (i * 5) & 0xff);

/** Lengths around whole blocks, and zeros over whole blocks of the tree. */
const length = fc.oneof(
  fc.integer({ min: 1, max: 3 * BLOCK }),
  fc.integer({ min: 1, max: 6 }).map((blocks) => blocks * BLOCK),
);
const zeros = fc.oneof(
  length,
  fc.integer({ min: 1, max: 400 }).map((blocks) => blocks * BLOCK),
);
const region = fc.oneof(
  fc.record({ kind: fc.constant('zero' as const), length: zeros, owner: fc.nat(2) }),
  fc.record({ kind: fc.constant('bytes' as const), length, from: fc.nat(1000) }),
  fc.record({ kind: fc.constant('blob' as const), length, from: fc.nat(1 << 19) }),
);

const plan: fc.Arbitrary<Plan> = fc.array(region, { minLength: 1, maxLength: 20 }).map((regions) => {
  const builder = new RegionsBuilder();
  for (const each of regions) {
    if (each.kind === 'zero') builder.zeroTo(builder.end + each.length, each.owner);
    else if (each.kind === 'bytes') builder.bytes(builder.end, each.length, 0, each.from);
    else builder.blob(builder.end, each.length, 0, each.from, 1);
  }
  builder.zeroTo(Math.ceil(builder.end / BLOCK) * BLOCK);
  const made = {
    length: MADE.length,
    labelUnit: MADE.length,
    read: (offset: number, target: Uint8Array) => target.set(MADE.subarray(offset, offset + target.length)),
    label: () => 'made',
  };
  return { size: builder.end, regions: builder.finish(), bytes: [made], label: () => 'of a layer' };
});

const salt = fc.constantFrom(0, 1, 32, 256).map((size) => new Uint8Array(size).fill(0x5a));

/** What is kept of the tree of `data`, as a host keeps it, and its root. */
function keptTree(base: Plan, data: Uint8Array, salted: Uint8Array): { kept: Uint8Array; root: Uint8Array } {
  const { levels, storedBlocks } = layOutVerity(base);
  const kept = new Uint8Array(storedBlocks * BLOCK);
  const next = levels.map(({ firstStored }) => firstStored);
  const hash = blockHash(salted);
  const tree = new MerkleTree(hash, (level, block) => kept.set(block, next[level]!++ * BLOCK));
  let at = 0;
  for (const run of blockRuns(base)) {
    if (run.kind === 'zeros') tree.addZeros(run.count);
    for (let i = 0; i < run.count; i++, at += BLOCK)
      if (run.kind !== 'zeros') tree.add(hash(data.subarray(at, at + BLOCK)));
  }
  const root = tree.root();
  expect(next).toEqual(levels.map((_, level) => (level === 0 ? storedBlocks : levels[level - 1]!.firstStored)));
  return { kept, root };
}

describe('the hash tree of any plan', () => {
  it('is what dm-verity has', () => {
    fc.assert(
      fc.property(plan, salt, (base, salted) => {
        const data = plainBytes(base, [LAYER]);
        const { kept, root } = keptTree(base, data, salted);
        const image = new PlannedImage(withHashTree(base, planHashTree(layOutVerity(base), blockHash(salted)), 1), [
          memoryBlob(LAYER),
          memoryBlob(kept),
        ]);
        const bytes = new Uint8Array(image.size);
        image.read(0, bytes);
        const expected = plainTree(data, salted);
        expect(Buffer.compare(root, expected.root)).toBe(0);
        expect(Buffer.compare(bytes.subarray(0, base.size), data)).toBe(0);
        expect(Buffer.compare(bytes.subarray(base.size + BLOCK), expected.tree)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('is made of runs that cover every block once, of which those of layers hold what they say', () => {
    fc.assert(
      fc.property(plan, (base) => {
        const said = new Uint8Array(base.size);
        const data = plainBytes(base, [LAYER]);
        let at = 0;
        for (const run of blockRuns(base)) {
          const end = at + run.count * BLOCK;
          if (run.kind === 'layer') said.set(LAYER.subarray(run.offset, run.offset + run.length), at);
          else if (run.kind === 'other') said.set(data.subarray(at, end), at);
          expect(run.kind === 'layer' ? Math.ceil(run.length / BLOCK) : run.count).toBe(run.count);
          at = end;
        }
        expect(Buffer.compare(said, data)).toBe(0);
        expect(at).toBe(base.size);
      }),
      { numRuns: 300 },
    );
  });
});
