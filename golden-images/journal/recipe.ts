import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** For a guest that writes: a journal, copies of the superblock in two of four groups, descriptors for groups to come. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'across-groups', data: bytesOfSeed(1, 12_000_000) },
      ...Array.from({ length: 60 }, (_, i) => ({ name: `directory/${`${i}-`.padEnd(100, 'n')}`, data: `${i}` })),
    ],
    [{ name: 'above', data: 'above' }],
  ],
  options: { journal: true, blockSize: 1024, free: 4_000_000, mountOptions: ['user_xattr', 'acl'] },
};
