import { describe, expect, it } from 'vitest';
import { base58, isBase58 } from '../../../../src/core/ware/base58.ts';

describe('base58', () => {
  // https://datatracker.ietf.org/doc/html/draft-msporny-base58-03, 5
  it.each([
    ['Hello World!', '2NEpo7TZRRrLZSi2U'],
    ['The quick brown fox jumps over the lazy dog.', 'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z'],
    ['\0\0(\x7f\xb4\xcd', '11233QC4'],
    ['', ''],
    ['\0', '1'],
  ])('writes %j as %j', (bytes, text) => {
    expect(base58(Buffer.from(bytes, 'latin1'))).toBe(text);
  });

  it('has none of the letters that look like others', () => {
    expect(['123ABCxyz', '0', 'O', 'I', 'l', '', 'a b', 'é'].map(isBase58)).toEqual([
      true,
      ...Array.from({ length: 7 }, () => false),
    ]);
  });
});
