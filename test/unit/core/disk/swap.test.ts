import { describe, expect, it } from 'vitest';
import { planSwap } from '../../../../src/core/disk/swap.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';

const uuid = Uint8Array.from({ length: 16 }, (_, i) => i);

describe('planSwap', () => {
  it('is a header and zeros', () => {
    const bytes = Buffer.from(plainBytes(planSwap(40_960, uuid, 'swap'), []));
    expect([bytes.readUInt32LE(1024), bytes.readUInt32LE(1028)]).toEqual([1, 9]);
    expect(bytes.subarray(0x40c, 0x41c)).toEqual(Buffer.from(uuid));
    expect(bytes.toString('latin1', 0x41c, 0x421)).toBe('swap\0');
    expect(bytes.toString('latin1', 4086, 4096)).toBe('SWAPSPACE2');
    expect(bytes.subarray(4096).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses sizes and labels that no swap area has', () => {
    expect(() => planSwap(36_864, uuid)).toThrow('a swap area of 36864 bytes');
    expect(() => planSwap(65_537, uuid)).toThrow('a multiple of 4096');
    expect(() => planSwap(65_536, uuid, 'x'.repeat(17))).toThrow('a swap label of 17 bytes');
  });
});
