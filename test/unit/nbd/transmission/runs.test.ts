import { describe, expect, it } from 'vitest';
import { runsOf } from '../../../../src/nbd/transmission/runs.ts';

const hole = (offset: number, length: number) => ({ offset, length, hole: true });
const data = (offset: number, length: number) => ({ offset, length, hole: false });
const runs = (...args: Parameters<typeof runsOf>): [number, number][] =>
  runsOf(...args).map(({ length, state }) => [length, state]);

describe('runsOf', () => {
  it('merges neighbours and keeps to the range', () => {
    const extents = [data(0, 5), data(5, 5), hole(10, 4), hole(14, 100), data(114, 100)];
    expect(runs(extents, 3, 120, 1, 99)).toEqual([
      [7, 0],
      [104, 3],
      [6, 0],
    ]);
  });

  it('tells allocated zeros from holes, and holes that may hold anything', () => {
    const extents = [
      { offset: 0, length: 5, hole: false, zero: true },
      { offset: 5, length: 5, hole: true, zero: false },
    ];
    expect(runs(extents, 0, 10, 1, 99)).toEqual([
      [5, 2],
      [5, 1],
    ]);
  });

  it('shrinks holes to whole units, except at the ends of the range', () => {
    expect(runs([hole(0, 10), data(10, 1000), hole(1010, 2000), data(3010, 90)], 0, 3100, 512, 99)).toEqual([
      [1024, 0],
      [1536, 3],
      [540, 0],
    ]);
    expect(runs([hole(0, 10_000)], 7, 3100, 512, 99)).toEqual([[3093, 3]]);
  });

  it('ends with what the backend knows, at a whole unit, and covers one at least', () => {
    expect(runs([data(0, 700)], 0, 4096, 512, 99)).toEqual([[512, 0]]);
    expect(runs([data(0, 100)], 0, 4096, 512, 99)).toEqual([[512, 0]]);
    expect(runs([], 100, 4096, 1, 99)).toEqual([[1, 0]]);
    expect(runs([hole(0, 600)], 0, 4096, 512, 99)).toEqual([[512, 3]]);
  });

  it('does not believe a backend with gaps, emptiness or disorder', () => {
    expect(runs([hole(0, 10), hole(20, 10)], 0, 40, 1, 99)).toEqual([[10, 3]]);
    expect(runs([hole(0, 10), hole(10, 0), data(10, 5)], 0, 40, 1, 99)).toEqual([[10, 3]]);
    expect(runs([hole(5, 10)], 0, 40, 1, 99)).toEqual([[1, 0]]);
    expect(runs([hole(0, 10), data(5, 5), data(10, 30)], 0, 40, 1, 99)).toEqual([
      [10, 3],
      [30, 0],
    ]);
  });

  it('stops where there are enough, without looking further', () => {
    function* endless() {
      for (let at = 0; ; at++) yield { offset: at, length: 1, hole: at % 2 === 0 };
    }
    expect(runs(endless(), 0, 2 ** 50, 1, 3)).toEqual([
      [1, 3],
      [1, 0],
      [1, 3],
    ]);
  });
});
