import type { Recipe } from '../recipe.ts';

/** An index of three levels (large_dir), with two nodes on its highest: 3 names a leaf, 126 leaves a node, 126 nodes above them. */
export const recipe: Recipe = {
  layers: [Array.from({ length: 3 * 126 * 126 + 1 }, (_, i) => ({ name: `large/${i}-`.padEnd(6 + 255, 'n') }))],
  options: { blockSize: 1024 },
};
