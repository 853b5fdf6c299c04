import { describe, expect, it } from 'vitest';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { findPath } from '../../../../src/core/reading/find.ts';
import { Inventory } from '../../../../src/core/reading/inventory.ts';
import { mergeWalk } from '../../../../src/core/reading/merge-walk.ts';
import { walk } from '../../../../src/core/reading/walk.ts';
import { planCase } from '../../../helpers/image-case.ts';

describe('a walk', () => {
  it('ends at a directory that is below itself', async () => {
    const { image } = await planCase([[{ name: 'a/b/' }]]);
    const filesystem = new Filesystem(image);
    const root = filesystem.root;
    const [a, b] = ['a', 'a/b'].map((path) => findPath(filesystem, path).ino);
    expect(Array.from(walk(filesystem, root), ({ path, depth }) => [path, depth])).toEqual([
      ['', 0],
      ['a', 1],
      ['a/b', 2],
      ['lost+found', 1],
    ]);
    // The one name of b's directory leads back to a.
    filesystem.sortedNames = ({ ino }) =>
      ino === b ? [{ name: 'a', ino: a! }] : [{ name: 'x', ino: ino === a ? b! : a! }];
    expect(() => [...walk(filesystem, root)]).toThrow(`directory inode ${a} has two names, or is below itself`);
    expect(() => [...mergeWalk(filesystem, filesystem)]).toThrow(`directory inode ${a} has two names`);
    expect(() => new Inventory(filesystem, root)).toThrow(`directory inode ${a} has two names`);
  });
});

describe('a path that is not there', () => {
  it.each([
    ['etc/no/such', '/etc is a directory without that name'],
    ['etc/hosts/x', '/etc/hosts is a file'],
    ['etc/hosts/x/y', '/etc/hosts is a file'],
    ['broken/x', '/broken is a symlink'],
    ['link/no', '/link is a directory without that name'],
    ['null/x', '/null is a character device'],
    ['none', 'nothing of it is there'],
  ])('%s: says how far it leads', async (path, what) => {
    const { image } = await planCase([
      [
        { name: 'etc/hosts', data: 'x' },
        { name: 'broken', type: 'symlink', linkName: 'none' },
        { name: 'link', type: 'symlink', linkName: '/etc' },
        { name: 'null', type: 'character' },
      ],
    ]);
    const filesystem = new Filesystem(image);
    expect(() => findPath(filesystem, path)).toThrow(`the image has no ${path}: ${what}`);
    expect(findPath(filesystem, '/link/./hosts').size).toBe(1);
  });
});
