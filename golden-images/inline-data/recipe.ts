import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Files and directories that their inodes hold, those that are just too long, and what xattrs leave of the room. */
export const recipe: Recipe = {
  layers: [
    [
      ...[0, 1, 60, 61, 128, 129].map((length) => ({ name: `files/${length}`, data: bytesOfSeed(length, length) })),
      ...[40, 48, 49].map((length) => ({
        name: `with-xattrs/${length}`,
        data: 'sixteen letters.',
        xattrs: { 'user.x': bytesOfSeed(length, length) },
      })),
      { name: 'empty/' },
      ...Array.from({ length: 3 }, (_, i) => ({ name: `in-i-block/${i}` })),
      ...Array.from({ length: 7 }, (_, i) => ({ name: `in-both/name-${i}` })),
      ...Array.from({ length: 9 }, (_, i) => ({ name: `in-a-block/name-${i}` })),
    ],
    [{ name: 'files/1', data: 'replaced' }, { name: 'in-a-block/.wh.name-3' }],
  ],
  options: { features: ['inline_data'] },
};
