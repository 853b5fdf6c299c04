import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** A hash tree of two levels behind the filesystem, with a run of its own above zeros. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'large', data: bytesOfSeed(1, 1_000_000) },
      { name: 'small', data: 'small\n' },
    ],
  ],
  options: { verity: true, free: 2_000_000 },
};
