import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xxh32 } from '../../../../src/core/layer/xxh32.ts';
import { xxh32Words } from '../../../helpers/xxhash.ts';

describe('xxh32', () => {
  it('is the published digest of nothing and of abcd', () => {
    expect(xxh32(new Uint32Array(0))).toBe(0x02cc5d05);
    expect(xxh32(Uint32Array.of(0x64636261))).toBe(0xa3643705);
  });

  it('is what the specification computes', () => {
    fc.assert(
      fc.property(fc.uint32Array({ maxLength: 50 }), (words) => {
        expect(xxh32(words)).toBe(xxh32Words(words));
      }),
    );
  });
});
