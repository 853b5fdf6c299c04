import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { nameHash } from '../../../../src/core/tree/name-hash.ts';

describe('the hash of names', () => {
  const hash = (key: readonly [number, number], parent: number, name: string): number =>
    nameHash(key, parent, bytesOf(name), 0, name.length);

  it('depends on the key, the directory and every byte', () => {
    const hashes = [
      hash([1, 2], 0, 'name'),
      hash([1, 3], 0, 'name'),
      hash([2, 2], 0, 'name'),
      hash([1, 2], 1, 'name'),
      hash([1, 2], 0, 'name\0'),
      hash([1, 2], 0, 'namf'),
      hash([1, 2], 0, ''),
      hash([1, 2], 0, '\0'),
      hash([1, 2], 0, '\0\0\0\0'),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every((each) => Number.isInteger(each) && each >= 0 && each < 2 ** 32)).toBe(true);
  });

  it('is that of the bytes wherever they stand', () => {
    const bytes = bytesOf('xxname and more');
    expect(nameHash([5, 6], 7, bytes, 2, 4)).toBe(hash([5, 6], 7, 'name'));
  });

  it('spreads names that differ little', () => {
    const low = Array.from({ length: 4096 }, (_, i) => hash([3, 4], 0, `file-${i}`) & 0xfff);
    expect(new Set(low).size).toBeGreaterThan(2400);
  });
});
