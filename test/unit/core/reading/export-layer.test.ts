import { describe, expect, it } from 'vitest';
import { displayName } from '../../../../src/core/bytes.ts';
import { layerBytes, treeDifferences } from '../../../helpers/exported.ts';
import { planCase } from '../../../helpers/image-case.ts';
import { readTarBytes } from '../../../helpers/tar-driver.ts';
import type { TarEntry } from '../../../helpers/tar-writer.ts';

const base: readonly TarEntry[] = [
  { name: 'a', data: 'a' },
  { name: 'b', type: 'hardlink', linkName: 'a' },
  { name: 'd/' },
  { name: 'd/x', data: 'x' },
  { name: 'd/y', data: 'y' },
  { name: 'l', type: 'symlink', linkName: 'd' },
];

/** The names of the layer between the images of two lists of entries, with the targets of links. */
async function layerOf(before: readonly TarEntry[], after: readonly TarEntry[]): Promise<string[]> {
  const [one, other] = [await planCase([before], { mtime: 'keep' }), await planCase([after], { mtime: 'keep' })];
  const entries = readTarBytes(layerBytes(one.image, other.image));
  return entries.map(
    ({ path, linkPath }) => displayName(path === '' ? '/' : path) + (linkPath === '' ? '' : `>${linkPath}`),
  );
}

const without = (...names: string[]): TarEntry[] => base.filter(({ name }) => !names.includes(name));

describe('the layer between two images', () => {
  it.each<[string, TarEntry[], string[]]>([
    ['is empty when nothing changed', [...base], []],
    ['does not depend on the order of entries', without('d/x').concat({ name: 'd/x', data: 'x' }), []],
    ['has a file that changed with the same size and time', without('d/x').concat({ name: 'd/x', data: 'z' }), ['d/x']],
    ['has what only has other attributes', without('d/').concat({ name: 'd/', mode: 0o700 }), ['d']],
    ['has a whiteout for a name', without('d/x'), ['d/.wh.x']],
    ['has one whiteout for a directory', without('d/', 'd/x', 'd/y'), ['.wh.d']],
    [
      'is opaque where nothing stayed',
      without('d/x', 'd/y').concat({ name: 'd/z', data: 'z' }),
      ['d/.wh..wh..opq', 'd/z'],
    ],
    ['is not opaque where something stayed', without('d/x').concat({ name: 'd/z', data: 'z' }), ['d/.wh.x', 'd/z']],
    [
      'has all names of a file that got one',
      [...base, { name: 'c', type: 'hardlink', linkName: 'a' }],
      ['a', 'b>a', 'c>a'],
    ],
    ['has only a whiteout for a name that a file lost', without('b'), ['.wh.b']],
    ['parts files that were one', without('b').concat({ name: 'b', data: 'a' }), ['b']],
    ['has a file over a directory', without('d/', 'd/x', 'd/y').concat({ name: 'd', data: '' }), ['d']],
    ['has a directory over a symlink', without('l').concat({ name: 'l/n', data: '' }), ['l', 'l/n']],
    ['has another target', without('l').concat({ name: 'l', type: 'symlink', linkName: 'e' }), ['l>e']],
  ])('%s', async (_, after, names) => {
    expect(await layerOf(base, after)).toEqual(names);
  });
});

describe('files whose names are those of other files now', () => {
  const pairs = (...names: readonly (readonly [string, string])[]): TarEntry[] =>
    names.flatMap(([first, second]) => [
      { name: first, data: 'same' },
      { name: second, type: 'hardlink', linkName: first },
    ]);
  const [before, after] = [pairs(['a', 'b'], ['c', 'd']), pairs(['a', 'c'], ['b', 'd'])];

  it('are in the layer with all names', async () => {
    expect(await layerOf(before, after)).toEqual(['a', 'b', 'c>a', 'd>b']);
  });

  it('are different', async () => {
    const [one, other] = [await planCase([before]), await planCase([after])];
    expect(treeDifferences(one.image, other.image)).toEqual(['changed b links', 'changed c links', 'changed d links']);
  });
});

describe('the difference of two images', () => {
  it('says how a path is another', async () => {
    const planned = async (entries: TarEntry[]) => (await planCase([entries], { mtime: 'keep' })).image;
    const before = await planned([...base]);
    const after = await planned([
      { name: 'a', data: 'b', mode: 0o600, uid: 1, mtime: 1 },
      { name: 'b', type: 'symlink', linkName: 'a' },
      { name: 'd/', xattrs: { 'user.a': 'b' } },
      { name: 'd/x', data: 'xx' },
      { name: 'l', type: 'symlink', linkName: 'e' },
      { name: 'n', data: '' },
    ]);
    expect(treeDifferences(before, after)).toEqual([
      'changed a mode owner content mtime links',
      'changed b type links',
      'changed d xattrs',
      'changed d/x size content',
      'removed d/y',
      'changed l target',
      'added n',
    ]);
    expect(treeDifferences(before, before)).toEqual([]);
  });
});
