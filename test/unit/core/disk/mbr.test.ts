import { describe, expect, it } from 'vitest';
import { makeMbr, makeProtectiveMbr } from '../../../../src/core/disk/mbr.ts';

const record = (sector: Uint8Array, i = 0): string => Buffer.from(sector).toString('hex', 446 + 16 * i, 462 + 16 * i);

describe('makeMbr', () => {
  it('has places as sectors and as cylinder, head and sector of 255 heads and 63 sectors', () => {
    const sector = makeMbr(0x12345678, [
      { os_type: 0x83, start: 2048, length: 2048 },
      { os_type: 0x82, start: 20_000_000, length: 8 },
    ]);
    expect(record(sector)).toBe('00202100834101000008000000080000');
    expect(record(sector, 1)).toBe('00feffff82feffff002d310108000000');
    expect(Buffer.from(sector).toString('hex', 440, 446)).toBe('785634120000');
    expect(Buffer.from(sector).toString('hex', 510)).toBe('55aa');
  });
});

describe('makeProtectiveMbr', () => {
  it('covers the disk', () => {
    expect(record(makeProtectiveMbr(4096))).toBe('00000200eeffffff01000000ff0f0000');
  });

  it('covers what it can of a disk of more than 2 TiB', () => {
    expect(record(makeProtectiveMbr(2 ** 33))).toBe('00000200eeffffff01000000ffffffff');
  });
});
