import type { Recipe } from '../recipe.ts';

/** A layer without entries. */
export const recipe: Recipe = { layers: [[]] };
