import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockReader } from '../../src/core/plan/blocks-source.ts';
import { mapRows } from '../../src/core/plan/map.ts';
import type { BytesSource, Plan } from '../../src/core/plan/plan.ts';
import { ranges } from '../../src/core/plan/ranges.ts';
import { RegionsBuilder } from '../../src/core/plan/regions.ts';
import { PlannedImage } from '../../src/image/image.ts';
import { memoryBlob, plainBytes } from '../helpers/memory-plan.ts';

const BLOB_BYTES = 100_000;
const BLOCK = 64;
const blobs = [3, 5].map((step) =>
  Uint8Array.from({ length: BLOB_BYTES }, (_, i) => 1 + ((i * step + (i >> 8)) % 255)),
);

/** A region to build: zeros, bytes that are made when they are read, or bytes of a layer behind or before the last ones. */
const region = fc.oneof(
  fc.record({
    kind: fc.constant('zero' as const),
    length: fc.integer({ min: 0, max: 300 }),
    owner: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ kind: fc.constant('bytes' as const), blocks: fc.integer({ min: 0, max: 4 }) }),
  fc.record({
    kind: fc.constant('blob' as const),
    layer: fc.integer({ min: 0, max: 1 }),
    length: fc.integer({ min: 0, max: 400 }),
    gap: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: -500, max: 40_000 })),
  }),
);

const plan: fc.Arbitrary<Plan> = fc.array(region, { minLength: 1, maxLength: 40 }).map((regions) => {
  const builder = new RegionsBuilder();
  const sources: BytesSource[] = [];
  const next = [0, 0];
  for (const each of regions) {
    if (each.kind === 'zero') builder.zeroTo(builder.end + each.length, each.owner);
    else if (each.kind === 'bytes')
      builder.bytes(builder.end, each.blocks * BLOCK, sources.push(blocksSource(each.blocks)) - 1);
    else {
      const from = Math.min(Math.max(next[each.layer]! + each.gap, 0), BLOB_BYTES - each.length);
      builder.blob(builder.end, each.length, each.layer, from, 3);
      next[each.layer] = from + each.length;
    }
  }
  const size = builder.end;
  return { size, regions: builder.finish(), bytes: sources, label: (owner) => `owner ${owner}` };
});

/** Each byte tells its block and place. */
function blocksSource(blocks: number): BytesSource {
  const reader = new BlockReader(BLOCK, (block, target) => {
    for (let i = 0; i < BLOCK; i += 2) target[i] = (100 + 7 * block + i) & 0xff;
  });
  return {
    length: blocks * BLOCK,
    labelUnit: BLOCK,
    read: (offset, target) => reader.read(offset, target),
    label: (offset) => `block ${Math.floor(offset / BLOCK)}`,
  };
}

const part = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));

/** A range of an image from two numbers of 0 to 1. */
function rangeOf(size: number, [from, to]: readonly [number, number]): { offset: number; length: number } {
  const [low, high] = [Math.floor(Math.min(from, to) * size), Math.ceil(Math.max(from, to) * size)];
  return { offset: low, length: high - low };
}

describe('any plan', () => {
  it('is read in parts as it is read whole', async () => {
    const checked = fc.asyncProperty(plan, fc.array(part, { minLength: 1, maxLength: 8 }), async (made, parts) => {
      const image = new PlannedImage(made, blobs.map(memoryBlob));
      const whole = plainBytes(made, blobs);
      const reads = parts.map(async (each) => {
        const { offset, length } = rangeOf(made.size, each);
        const expected = whole.subarray(offset, offset + length);
        const target = new Uint8Array(length).fill(0xee);
        image.read(offset, target);
        expect(target).toEqual(expected);
        const later = new Uint8Array(length).fill(0xee);
        await image.readAsync(offset, later);
        expect(later).toEqual(expected);
      });
      await Promise.all(reads);
    });
    await fc.assert(checked, { numRuns: 500 });
  });

  it('has ranges that cover what is asked, alternate, and are zeros where they say so', () => {
    const granularity = fc.constantFrom(1, 8, 64, 512);
    fc.assert(
      fc.property(plan, part, granularity, (made, each, unit) => {
        const { offset, length } = rangeOf(made.size, each);
        const whole = plainBytes(made, blobs);
        let at = offset;
        let last: boolean | undefined;
        for (const range of ranges(made, offset, length, unit)) {
          expect(range.offset).toBe(at);
          expect(range.length).toBeGreaterThan(0);
          expect(range.hole).not.toBe(last);
          const end = at + range.length;
          const [startsWell, endsWell] = [
            at % unit === 0 || at === offset,
            end % unit === 0 || end === offset + length,
          ];
          const isZero = whole.subarray(at, end).every((byte) => byte === 0);
          expect(!range.hole || (isZero && startsWell && endsWell)).toBe(true);
          at = end;
          last = range.hole;
        }
        expect(at).toBe(offset + length);
      }),
      { numRuns: 1000 },
    );
  });

  it('has holes wherever the regions are zeros, at a granularity of one byte', () => {
    fc.assert(
      fc.property(plan, (made) => {
        const holes = Array.from(ranges(made, 0, made.size)).filter(({ hole }) => hole);
        const { count, start, kind } = made.regions;
        const zeros = Array.from({ length: count }, (_, i) => (kind[i] === 0 ? start[i + 1]! - start[i]! : 0));
        expect(holes.reduce((sum, { length }) => sum + length, 0)).toBe(zeros.reduce((sum, each) => sum + each, 0));
      }),
    );
  });

  it('has a map that covers what is asked without a gap, and no two rows alike side by side', () => {
    fc.assert(
      fc.property(plan, part, (made, each) => {
        const { offset, length } = rangeOf(made.size, each);
        let at = offset;
        let last = '';
        for (const row of mapRows(made, offset, length)) {
          expect(row.start).toBe(at);
          expect(row.length).toBeGreaterThan(0);
          const what = `${row.zero} ${row.label}`;
          expect(what).not.toBe(last);
          at += row.length;
          last = what;
        }
        expect(at).toBe(offset + length);
      }),
    );
  });
});
