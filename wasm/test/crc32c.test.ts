import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../index.ts';
import { crc32c as twin } from '../twin/crc32c.ts';

const INITIAL = 0xffffffff;

/** The standard CRC-32C: inverted before and after. */
const standard = (bytes: Uint8Array): number => ~crc32c(INITIAL, bytes) >>> 0;
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i ^ (i >>> 8));

/** The definition: polynomial division, one bit at a time. */
function divide(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return crc >>> 0;
}

describe('known values', () => {
  test('the check value of CRC-32C', () => {
    expect(standard(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  test.each([
    ['zeros', new Uint8Array(32), 0x8a9136aa],
    ['ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ])('RFC 3720 B.4: 32 bytes of %s', (_, bytes, expected) => {
    expect(standard(bytes)).toBe(expected);
  });

  test('no bytes leave the seed, as an unsigned number', () => {
    expect(crc32c(INITIAL, new Uint8Array())).toBe(INITIAL);
  });
});

test.each([1, 15, 16, 17, 255, 256, 4096, 65535, 65536, 65537, 131072, 200001])(
  '%i bytes, as by division',
  (length) => {
    const bytes = counting(length);
    expect(crc32c(0x12345678, bytes)).toBe(divide(0x12345678, bytes));
    expect(twin(0x12345678, bytes)).toBe(divide(0x12345678, bytes));
  },
);

test('the kernel equals its twin at every length, alignment and seed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(20), fc.integer(), (bytes, skip, seed) => {
      const view = bytes.subarray(Math.min(skip, bytes.length));
      expect(crc32c(seed, view)).toBe(twin(seed, view));
    }),
  );
});

test('the value of a piece is the seed of the next', () => {
  const bytes = counting(70_000);
  fc.assert(
    fc.property(fc.nat(bytes.length), fc.nat(bytes.length), (a, b) => {
      const [first, second] = a < b ? [a, b] : [b, a];
      const head = crc32c(INITIAL, bytes.subarray(0, first));
      const middle = crc32c(head, bytes.subarray(first, second));
      expect(crc32c(middle, bytes.subarray(second))).toBe(crc32c(INITIAL, bytes));
    }),
  );
});
