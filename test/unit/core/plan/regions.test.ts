import { describe, expect, it } from 'vitest';
import { labelAt, mapRows } from '../../../../src/core/plan/map.ts';
import { lastAtMost } from '../../../../src/core/plan/blocks-source.ts';
import type { BytesSource, Plan } from '../../../../src/core/plan/plan.ts';
import { ranges } from '../../../../src/core/plan/ranges.ts';
import { RegionsBuilder } from '../../../../src/core/plan/regions.ts';

const source: BytesSource = {
  length: 30,
  labelUnit: 10,
  read: (offset, target) => target.fill(offset),
  label: (offset) => `part ${Math.floor(offset / 10)}`,
  detail: (offset) => (offset % 2 === 0 ? `byte ${offset}` : undefined),
};

function planOf(build: (builder: RegionsBuilder) => void): Plan {
  const builder = new RegionsBuilder();
  build(builder);
  return { size: builder.end, regions: builder.finish(), bytes: [source], label: (owner) => `owner ${owner}` };
}

describe('regions', () => {
  it('follow each other without gap or overlap', () => {
    const builder = new RegionsBuilder();
    builder.zeroTo(10);
    expect(() => builder.zeroTo(9)).toThrow('zeros to 9, the regions end at 10');
    expect(() => builder.blob(11, 1, 0, 0, 0)).toThrow('a region at 11, the one before ends at 10');
    expect(() => builder.bytes(9, 1, 0)).toThrow('a region at 9, the one before ends at 10');
  });

  it('of zeros and one owner, and of bytes that go on, are one', () => {
    const { regions } = planOf((builder) => {
      builder.zeroTo(4);
      builder.zeroTo(8);
      builder.zeroTo(9, 1);
      builder.bytes(9, 10, 0);
      builder.bytes(19, 5, 0, 10);
      builder.bytes(24, 5, 0, 14);
      builder.blob(29, 3, 0, 100, 2);
      builder.blob(32, 3, 0, 103, 2);
      builder.blob(35, 0, 0, 106, 2);
    });
    expect(Array.from(regions.start)).toEqual([0, 8, 9, 24, 29, 32, 35]);
    expect(Array.from(regions.kind)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(Array.from(regions.offset)).toEqual([0, 0, 0, 14, 100, 103]);
    expect(Array.from(regions.owner)).toEqual([0, 1, 0, 0, 2, 2]);
    expect(regions.count).toBe(6);
  });
});

describe('the map', () => {
  const plan = planOf((builder) => {
    builder.zeroTo(5);
    builder.bytes(5, 25, 0);
    builder.zeroTo(40, 7);
  });

  it('has a row for every label', () => {
    expect(Array.from(mapRows(plan))).toEqual([
      { start: 0, length: 5, zero: true, label: 'owner 0' },
      { start: 5, length: 10, zero: false, label: 'part 0' },
      { start: 15, length: 10, zero: false, label: 'part 1' },
      { start: 25, length: 5, zero: false, label: 'part 2' },
      { start: 30, length: 10, zero: true, label: 'owner 7' },
    ]);
    expect(Array.from(mapRows(plan, 12, 4))).toEqual([
      { start: 12, length: 3, zero: false, label: 'part 0' },
      { start: 15, length: 1, zero: false, label: 'part 1' },
    ]);
    expect(Array.from(mapRows(plan, 40, 10))).toEqual([]);
    expect(Array.from(mapRows(plan, 39, 10))).toHaveLength(1);
  });

  it('says more of one place where the source knows more', () => {
    expect([labelAt(plan, 0), labelAt(plan, 15), labelAt(plan, 16), labelAt(plan, 39)]).toEqual([
      'owner 0',
      'part 1, byte 10',
      'part 1',
      'owner 7',
    ]);
  });
});

describe('ranges', () => {
  const plan = planOf((builder) => {
    builder.zeroTo(5);
    builder.bytes(5, 6, 0);
    builder.zeroTo(30, 1);
    builder.zeroTo(34, 2);
    builder.blob(34, 6, 0, 0, 3);
  });
  const list = (...args: [number, number, number?]): string[] =>
    Array.from(ranges(plan, ...args), ({ offset, length, hole }) => `${hole ? 'hole' : 'data'} ${offset}+${length}`);

  it('are holes where the regions are zeros, whoever owns them', () => {
    expect(list(0, 40)).toEqual(['hole 0+5', 'data 5+6', 'hole 11+23', 'data 34+6']);
  });

  it('have holes of whole units within, and what the ends cut off', () => {
    expect(list(0, 40, 8)).toEqual(['data 0+16', 'hole 16+16', 'data 32+8']);
    expect(list(2, 26, 8)).toEqual(['data 2+14', 'hole 16+12']);
    expect(list(18, 10, 16)).toEqual(['hole 18+10']);
    expect(list(12, 2, 16)).toEqual(['hole 12+2']);
  });

  it('end with the image', () => {
    expect(list(38, 100)).toEqual(['data 38+2']);
    expect([...list(40, 5), ...list(7, 0)]).toEqual([]);
  });
});

describe('the last of ascending numbers that is at most another', () => {
  it('is found', () => {
    const starts = Float64Array.of(0, 0, 5, 5, 9);
    expect([0, 4, 5, 8, 9, 100].map((value) => lastAtMost(starts, 5, value))).toEqual([1, 1, 3, 3, 4, 4]);
    expect(lastAtMost(starts, 3, 100)).toBe(2);
    expect(() => lastAtMost(starts, 0, 1)).toThrow('broken invariant');
    expect(() => lastAtMost(starts, 5, -1)).toThrow('broken invariant');
  });
});
