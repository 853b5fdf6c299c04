import { describe, expect, it } from 'vitest';
import { orderNames } from '../../../../src/core/tree/order.ts';
import { checkFilePattern, selectFiles } from '../../../../src/core/tree/select-files.ts';
import { makeTree, put } from '../../../helpers/make-tree.ts';

const NAMES = [
  'a',
  'usr/bin/sh',
  'usr/bin/ls',
  'usr/lib/x/liba.so.1',
  'usr/lib/libb.so',
  'usr/lib/b[1]',
  'etc/\xc3\xa4',
  'etc/\xff',
  'etc/.hidden',
];
const tree = makeTree([NAMES.map((name) => put(name))]);
const names = orderNames(tree);

/** The paths that patterns select. */
function selected(...patterns: string[]): string[] {
  const found = selectFiles(tree, names, patterns);
  const byInode = new Map(NAMES.map((name, i) => [name, i] as const));
  expect(byInode.size).toBe(NAMES.length);
  const chosen = Array.from(found.keys()).filter((inode) => found[inode] === 1);
  return chosen.map((inode) => tree.displayInode(inode)).sort();
}

describe('selectFiles', () => {
  it.each([
    ['/a', ['a']],
    ['a', ['a']],
    ['./usr//bin/sh', ['usr/bin/sh']],
    ['/usr/bin', ['usr/bin/ls', 'usr/bin/sh']],
    ['/usr/bin/', ['usr/bin/ls', 'usr/bin/sh']],
    ['/usr/*/*', ['usr/bin/ls', 'usr/bin/sh', 'usr/lib/b[1]', 'usr/lib/libb.so', 'usr/lib/x/liba.so.1']],
    ['/usr/lib/*.so*', ['usr/lib/libb.so']],
    ['/usr/**/*.so*', ['usr/lib/libb.so', 'usr/lib/x/liba.so.1']],
    ['**/sh', ['usr/bin/sh']],
    ['/usr/bin/**', ['usr/bin/ls', 'usr/bin/sh']],
    ['/usr/bin/[l-s][hs]', ['usr/bin/ls', 'usr/bin/sh']],
    ['/usr/bin/[!s]*', ['usr/bin/ls']],
    ['/usr/lib/b\\[1]', ['usr/lib/b[1]']],
    ['/usr/lib/b[[]1]', ['usr/lib/b[1]']],
    ['/etc/?', ['etc/\\xff', 'etc/ä']],
    ['/etc/\xc3\xa4', ['etc/ä']],
    ['/etc/*', ['etc/.hidden', 'etc/\\xff', 'etc/ä']],
  ])('takes what %s means', (pattern, expected) => {
    expect(selected(pattern)).toEqual(expected.toSorted());
  });

  it('takes what several select, once', () => {
    expect(selected('/a', '/**', '/usr')).toHaveLength(NAMES.length);
  });

  it.each(['/b', '/a/b', '/usr/bin/?', '/A', '/usr/bin/[]', '*.so'])('refuses %s, which selects no file', (pattern) => {
    expect(() => selected(pattern)).toThrow(
      expect.objectContaining({ code: 'path-not-found', message: `the image has no file at ${pattern}` }),
    );
  });

  it('refuses what is no path of the image', () => {
    expect(() => checkFilePattern('/a/../b')).toThrow('the pattern /a/../b: a path from the root, without ..');
    expect(() => checkFilePattern('a\0')).toThrow(/without \.\.$/);
    expect(() => checkFilePattern('')).not.toThrow();
  });

  it('takes linear time, whatever the pattern', () => {
    expect(selected('/**/**/**/**/**/**/**/**/sh')).toEqual(['usr/bin/sh']);
    expect(() => selected(`/${'*a'.repeat(5)}b`)).toThrow('no file');
  });
});
