import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Blocks of 1 KiB: the superblock has one of its own, and 8 MiB are a group. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'large', data: bytesOfSeed(1, 9_000_000) },
      { name: 'small', data: 'small' },
      { name: 'xattrs', xattrs: { 'user.large': bytesOfSeed(2, 900) } },
      ...Array.from({ length: 60 }, (_, i) => ({ name: `directory/${`${i}-`.padEnd(100, 'n')}`, data: `${i}` })),
    ],
  ],
  options: { blockSize: 1024, free: 1_000_000 },
};
