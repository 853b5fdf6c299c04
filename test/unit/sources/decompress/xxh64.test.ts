import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xxh64 } from '../../../../src/sources/decompress/xxh64.ts';
import { xxh64 } from '../../../helpers/xxhash.ts';

function digestLow(...parts: Uint8Array[]): number {
  const hash = new Xxh64();
  for (const part of parts) hash.update(part);
  return hash.digestLow();
}

describe('Xxh64', () => {
  it.each([
    ['', 0x51d8e999],
    ['a', 0xa98c6e5b],
    ['abc', 0xad770999],
    ['Nobody inspects the spammish repetition', 0x8a378bf1],
  ])('is the published digest of %j', (text, low) => {
    expect(digestLow(Buffer.from(text))).toBe(low);
  });

  it('is what the specification computes, however the bytes are cut', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (a, b, c) => {
        expect(digestLow(a, b, c)).toBe(Number(xxh64(Buffer.concat([a, b, c])) & 0xffffffffn));
      }),
    );
  });
});
