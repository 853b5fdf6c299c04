import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { findInode } from '../../../../src/core/tree/resolve.ts';
import { NONE } from '../../../../src/core/tree/tree.ts';
import { makeTree, put, symlink } from '../../../helpers/make-tree.ts';

describe('a lookup', () => {
  it('finds names of every length among many, and no other', () => {
    const tree = makeTree([Array.from({ length: 255 }, (_, i) => put('n'.repeat(i + 1)))]);
    for (let length = 1; length <= 255; length++) expect(tree.lookup(0, bytesOf('n'.repeat(length)))).not.toBe(NONE);
    for (const name of ['', 'm', 'n'.repeat(256), 'n\0']) expect(tree.lookup(0, bytesOf(name))).toBe(NONE);
  });

  it('by path follows no symlink', () => {
    const tree = makeTree([[put('d/a', 1), symlink('l', 'd')]]);
    expect(findInode(tree, bytesOf('d/a'))).not.toBe(NONE);
    for (const path of ['l/a', 'd/a/b', 'x/y']) expect(findInode(tree, bytesOf(path))).toBe(NONE);
    expect(findInode(tree, bytesOf(''))).toBe(0);
  });
});
