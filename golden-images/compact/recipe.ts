import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** No gap where higher layers replaced and removed files. */
export const recipe: Recipe = {
  layers: [
    Array.from({ length: 20 }, (_, i) => ({ name: `file-${i}`, data: bytesOfSeed(i, 30_000) })),
    [{ name: '.wh.file-3' }, { name: 'file-7', data: 'replaced' }, { name: 'new', data: bytesOfSeed(99, 10_000) }],
  ],
  options: { placement: 'compact' },
};
