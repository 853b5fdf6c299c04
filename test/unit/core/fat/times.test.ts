import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAT_SECONDS_MAX, FAT_SECONDS_MIN, fatTime } from '../../../../src/core/fat/times.ts';

describe('fatTime', () => {
  it('has the fields of the date and the time in UTC, in steps of two seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: FAT_SECONDS_MIN, max: FAT_SECONDS_MAX }), (seconds) => {
        const { date, time } = fatTime(seconds);
        const text = new Date((seconds - (seconds % 2)) * 1000).toISOString();
        const fields = [1980 + (date >> 9), (date >> 5) & 15, date & 31, time >> 11, (time >> 5) & 63, 2 * (time & 31)];
        expect(fields).toEqual(text.match(/\d+/g)!.slice(0, 6).map(Number));
      }),
    );
  });

  it('clamps what FAT cannot hold', () => {
    expect(fatTime(0)).toEqual({ date: 0x21, time: 0 });
    expect(fatTime(FAT_SECONDS_MIN)).toEqual({ date: 0x21, time: 0 });
    expect(fatTime(2 ** 40)).toEqual(fatTime(FAT_SECONDS_MAX));
    expect(fatTime(FAT_SECONDS_MAX)).toEqual({ date: 0xff9f, time: 0xbf7d });
  });
});
