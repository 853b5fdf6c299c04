import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Without anything newer: indirect blocks of one and two levels around holes, bitmaps in every group, directories without index. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'across-groups', data: bytesOfSeed(1, 9_000_000) },
      {
        name: 'holes',
        data: bytesOfSeed(2, 3000),
        sparse: {
          form: '1.0',
          size: 80_000_000,
          segments: [100_000, 70_000_000].map((offset) => ({ offset, length: 1500 })),
        },
      },
      { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
      { name: 'long', type: 'symlink', linkName: 'n'.repeat(100) },
      ...Array.from({ length: 60 }, (_, i) => ({ name: `directory/${`${i}-`.padEnd(100, 'n')}`, data: `${i}` })),
    ],
  ],
  options: { fs: 'ext2', blockSize: 1024, free: 1_000_000 },
};
