import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { findInode } from '../../../../src/core/tree/resolve.ts';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { NONE, ROOT, Tree } from '../../../../src/core/tree/tree.ts';
import { makeTree, put, symlink } from '../../../helpers/make-tree.ts';

describe('a lookup', () => {
  it('finds names of every length among many, and no other', () => {
    const tree = makeTree([Array.from({ length: 255 }, (_, i) => put('n'.repeat(i + 1)))]);
    for (let length = 1; length <= 255; length++) expect(tree.lookup(0, bytesOf('n'.repeat(length)))).not.toBe(NONE);
    for (const name of ['', 'm', 'n'.repeat(256), 'n\0']) expect(tree.lookup(0, bytesOf(name))).toBe(NONE);
  });

  it('finds what was made and not removed, in whatever order that was', () => {
    const step = fc.record({ directory: fc.nat(2), name: fc.nat(40), isLink: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const tree = new Tree([], [1, 2]);
        const directories = [
          ROOT,
          tree.addInode(EntryType.directory, NONE, 0),
          tree.addInode(EntryType.directory, NONE, 0),
        ];
        const names = new Map<string, number>();
        for (const { directory, name, isLink } of steps) {
          const bytes = bytesOf(`${name}`);
          const known = names.get(`${directory}/${name}`) ?? NONE;
          expect(tree.lookup(directories[directory]!, bytes)).toBe(known);
          if (isLink && known === NONE) {
            const inode = tree.addInode(EntryType.fifo, 0, 0);
            names.set(`${directory}/${name}`, tree.link(directories[directory]!, inode, 0, bytes));
          } else if (!isLink && known !== NONE) {
            tree.unlink(known, 0);
            names.delete(`${directory}/${name}`);
          }
        }
      }),
    );
  });

  it('by path follows symlinks among its parents, not the last', () => {
    const tree = makeTree([[put('d/a', 1), symlink('l', 'd'), symlink('d/up', '../l'), symlink('loop', 'loop')]]);
    const inode = findInode(tree, bytesOf('d/a'));
    expect(inode).not.toBe(NONE);
    for (const path of ['l/a', 'l/up/a']) expect(findInode(tree, bytesOf(path))).toBe(inode);
    expect(findInode(tree, bytesOf('l'))).not.toBe(findInode(tree, bytesOf('d')));
    for (const path of ['d/a/b', 'x/y', 'l/x']) expect(findInode(tree, bytesOf(path))).toBe(NONE);
    expect(() => findInode(tree, bytesOf('loop/a'))).toThrow('more than 40 symlinks');
    expect(findInode(tree, bytesOf(''))).toBe(0);
  });
});
