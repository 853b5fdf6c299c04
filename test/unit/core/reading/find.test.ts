import { describe, expect, it } from 'vitest';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { findPath } from '../../../../src/core/reading/find.ts';
import { planCase } from '../../../helpers/image-case.ts';

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
