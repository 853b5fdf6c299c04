import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { orderNames } from '../../../../src/core/tree/order.ts';
import { makeTree, put } from '../../../helpers/make-tree.ts';

describe('the order of names', () => {
  it('is that of their bytes', () => {
    const names = [
      'a',
      'ab',
      'abcdef',
      'abcdefg',
      'abcdefgh',
      'abcdeg',
      '\xff',
      '\x01',
      'B',
      'abcdef\x01',
      '~',
      'abcdef\xff',
    ];
    const tree = makeTree([names.map((name) => put(name))]);
    const ordered = Array.from(orderNames(tree).dentries, (dentry) => byteString(tree.nameBytes(dentry)));
    expect(ordered).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('leaves out what is gone', () => {
    const tree = makeTree([
      [put('d/a'), put('d/b')],
      [put('d/.wh.a'), put('c')],
    ]);
    expect(orderNames(tree).dentries).toHaveLength(3);
  });
});
