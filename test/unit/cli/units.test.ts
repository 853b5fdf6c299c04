import { describe, expect, it } from 'vitest';
import { formatCount, formatSeconds, formatSize } from '../../../src/cli/units.ts';

describe('what is for people', () => {
  it('sizes', () => {
    expect([0, 1, 1023, 1024, 1536, 2 ** 20, 2.5 * 2 ** 30, 2 ** 54].map(formatSize)).toEqual([
      '0 bytes',
      '1 bytes',
      '1023 bytes',
      '1 KiB',
      '1.5 KiB',
      '1 MiB',
      '2.5 GiB',
      '16384 TiB',
    ]);
  });

  it('times', () => {
    expect([0, 59.4, 59.6, 125, 3599.6, 11_520].map(formatSeconds)).toEqual([
      '0 s',
      '59 s',
      '1 min 0 s',
      '2 min 5 s',
      '1 h 0 min',
      '3 h 12 min',
    ]);
  });

  it('counts', () => {
    expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
  });
});
