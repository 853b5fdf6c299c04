import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/core/progress.ts';
import { SummedProgress } from '../../../src/sources/summed-progress.ts';

function summed(): { told: Progress[]; of: SummedProgress } {
  const told: Progress[] = [];
  return { told, of: new SummedProgress((progress) => told.push(progress)) };
}

describe('SummedProgress', () => {
  it('adds up what those in the same phase have done', () => {
    const { told, of } = summed();
    of.of(0)({ phase: 'decompressing', bytes: { done: 1, total: 10 } });
    of.of(1)({ phase: 'decompressing', bytes: { done: 2, total: 20 } });
    of.of(0)({ phase: 'decompressing', bytes: { done: 5, total: 10 } });
    expect(told.map(({ bytes }) => bytes)).toEqual([
      { done: 1, total: 10 },
      { done: 3, total: 30 },
      { done: 7, total: 30 },
    ]);
  });

  it('shows a phase until all are done with it', () => {
    const { told, of } = summed();
    of.of(0)({ phase: 'downloading', bytes: { done: 1, total: 2 } });
    of.of(1)({ phase: 'downloading', bytes: { done: 2, total: 2 } });
    of.of(1)({ phase: 'reading layers', files: { done: 1000 } });
    of.of(0)({ phase: 'downloading', bytes: { done: 2, total: 2 } });
    of.of(1)({ phase: 'reading layers', files: { done: 2000, total: 2000 } });
    of.of(0)({ phase: 'reading layers', files: { done: 3000 } });
    expect(told).toEqual([
      { phase: 'downloading', bytes: { done: 1, total: 2 } },
      { phase: 'downloading', bytes: { done: 3, total: 4 } },
      { phase: 'downloading', bytes: { done: 4, total: 4 } },
      { phase: 'reading layers', files: { done: 2000, total: 2000 } },
      { phase: 'reading layers', files: { done: 5000, total: undefined } },
    ]);
  });

  it('tells no sum of which a part is not known', () => {
    const { told, of } = summed();
    of.of(0)({ phase: 'reading layers', bytes: { done: 1, total: 2 }, files: { done: 1 } });
    of.of(1)({ phase: 'reading layers', files: { done: 4 } });
    expect(told.at(-1)).toEqual({ phase: 'reading layers', bytes: undefined, files: { done: 5, total: undefined } });
  });
});
