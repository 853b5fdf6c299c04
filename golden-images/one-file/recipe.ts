import type { Recipe } from '../recipe.ts';

/** The least that one would want. */
export const recipe: Recipe = { layers: [[{ name: 'hello', data: 'hello, world\n' }]] };
