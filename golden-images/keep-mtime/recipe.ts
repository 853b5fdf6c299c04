import type { Recipe } from '../recipe.ts';

/** The layers' own times, up to both ends of what ext4 holds; other options that change attributes. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'nanoseconds', mtime: '1700000000.123456789' },
      { name: 'before-1970', mtime: '-1.5' },
      { name: 'first', mtime: '-2147483648' },
      { name: 'past-2038', mtime: 2 ** 31 },
      { name: 'past-2106', mtime: 2 ** 32 },
      { name: 'last', mtime: '15032385535.999999999' },
      { name: 'too-early', mtime: '-99999999999' },
      { name: 'too-late', mtime: '99999999999' },
      { name: 'missing/parent', mtime: 1_600_000_000 },
    ],
  ],
  options: { mtime: 'keep', owner: { uid: 100, gid: 200 }, chmodMask: 0o027 },
};
