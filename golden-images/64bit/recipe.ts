import type { Recipe } from '../recipe.ts';

/** Descriptors of 64 bytes, which else only images from 16 TiB on have. */
export const recipe: Recipe = {
  layers: [[{ name: 'a', data: 'a' }, { name: 'd/' }]],
  options: { features: ['64bit', 'read-only'], size: 200 * 1024 * 1024 },
};
