import { describe, expect, it } from 'vitest';
import { FileCount } from '../../../../src/core/plan/file-count.ts';
import { RegionsBuilder } from '../../../../src/core/plan/regions.ts';

describe('FileCount', () => {
  const builder = new RegionsBuilder();
  builder.bytes(0, 100, 0);
  builder.blob(100, 50, 0, 0, 1);
  builder.blob(150, 50, 0, 700, 1);
  builder.zeroTo(300, 1);
  builder.blob(300, 10, 0, 900, 1);
  builder.zeroTo(400, 2);
  builder.blob(400, 10, 1, 0, 2);
  builder.zeroTo(500);
  builder.blob(500, 10, 1, 50, 3);
  builder.zeroTo(600);
  const regions = builder.finish();

  it('counts a file once, whatever it is made of', () => {
    const count = new FileCount(regions);
    const done = [100, 101, 200, 310, 400, 401, 501, 600].map((offset) => count.before(offset));
    expect(done.map((amount) => amount.done)).toEqual([0, 1, 1, 1, 1, 2, 3, 3]);
    expect(done.every(({ total }) => total === 3)).toBe(true);
  });

  it('may be asked from the start again', () => {
    const count = new FileCount(regions);
    count.before(600);
    expect(count.before(100)).toEqual({ done: 0, total: 3 });
    expect(count.before(450)).toEqual({ done: 2, total: 3 });
  });
});
