import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE, BlockMap, runAt, ZERO } from '../../../src/overlay/block-map.ts';

/** Three chunks and a bit. */
const BLOCKS = 3 * 512 + 10;

const change = fc.record({
  block: fc.oneof(fc.nat(BLOCKS - 1), fc.constantFrom(0, 511, 512, 1024)),
  count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(512, 1024, BLOCKS)),
  unit: fc.oneof(fc.constant(ZERO), fc.integer({ min: 2, max: 100_000 })),
});

describe('BlockMap', () => {
  it('has what was set, and runs that end where it does not go on', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const map = new BlockMap(BLOCKS);
        const model = new Uint32Array(BLOCKS);
        for (const { block, count: wanted, unit } of changes) {
          const count = Math.min(wanted, BLOCKS - block);
          map.set(block, count, unit);
          for (let i = 0; i < count; i++) model[block + i] = unit === ZERO ? ZERO : unit + i;
        }
        const found = new Uint32Array(BLOCKS);
        let end = 0;
        for (const { block, count, value } of map.runs()) {
          expect(block).toBeGreaterThanOrEqual(end);
          for (let i = 0; i < count; i++) found[block + i] = value === ZERO ? ZERO : value + i;
          end = block + count;
          if (end === BLOCKS) continue;
          expect(model[end]).not.toBe(value === ZERO ? ZERO : value + count);
        }
        expect(Buffer.from(found.buffer).equals(Buffer.from(model.buffer))).toBe(true);
        for (let block = 0; block < BLOCKS; block += 97) expect(map.get(block)).toBe(model[block]);
      }),
    );
  });

  it('ends a run where it is told to', () => {
    const map = new BlockMap(BLOCKS);
    expect(map.runLength(0, 1100)).toBe(1100);
    map.set(10, 4, 7);
    expect([map.runLength(0, 1100), map.runLength(10, 3), map.runLength(11, 99), map.get(12)]).toEqual([10, 3, 3, 9]);
  });

  it('takes no memory for what is of the base or zero as a whole', () => {
    const tebibyte = 2 ** 28;
    const before = process.memoryUsage().arrayBuffers;
    const map = new BlockMap(tebibyte);
    map.set(0, tebibyte, ZERO);
    map.set(tebibyte / 2 + 5, 1, 2);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect([...map.runs()]).toEqual([
      { block: 0, count: tebibyte / 2 + 5, value: ZERO },
      { block: tebibyte / 2 + 5, count: 1, value: 2 },
      { block: tebibyte / 2 + 6, count: tebibyte / 2 - 6, value: ZERO },
    ]);
  });
});

describe('runAt', () => {
  it('counts bytes from within a block', () => {
    const map = new BlockMap(10);
    map.set(1, 2, 50);
    expect(runAt(map, 100, 100_000)).toEqual({ value: BASE, length: 3996 });
    expect(runAt(map, 4196, 100_000)).toEqual({ value: 50, length: 8092 });
    expect(runAt(map, 4196, 10)).toEqual({ value: 50, length: 10 });
  });
});
