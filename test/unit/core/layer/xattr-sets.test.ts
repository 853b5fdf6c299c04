import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import type { Xattr } from '../../../../src/core/layer/entry.ts';
import { findXattrSets, xattrSetAt, XattrSetsBuilder } from '../../../../src/core/layer/xattr-sets.ts';

const xattr = (name: string, value: string): Xattr => ({ name, value: bytesOf(value) });
const first = [xattr('user.a', 'one'), xattr('user.b\xff', '\0\n')];
const second = [xattr('user.a', '')];

describe('xattr sets', () => {
  const builder = new XattrSetsBuilder();
  const numbers = [first, second, first.toReversed(), second, [first[0]!]].map((set) => builder.add(set));
  const sets = builder.finish();

  it('are one where they are equal, in whatever order', () => {
    expect(numbers).toEqual([0, 1, 0, 1, 2]);
    expect(sets.ends).toHaveLength(3);
  });

  it('are given back by their numbers, sorted by name', () => {
    expect([0, 1, 2].map((number) => xattrSetAt(sets, number))).toEqual([first, second, [first[0]]]);
  });

  it('are found in their bytes, and in nothing less', () => {
    expect(findXattrSets(sets.bytes)).toEqual(sets);
    for (let length = 1; length < sets.bytes.length; length++) {
      const found = findXattrSets(sets.bytes.subarray(0, length));
      expect(found === undefined || sets.ends.includes(length)).toBe(true);
    }
  });
});
