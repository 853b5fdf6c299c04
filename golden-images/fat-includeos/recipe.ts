import type { Recipe } from '../recipe.ts';

/** Names whose entries would stand in two sectors, had they no free ones in front of them. */
export const recipe: Recipe = {
  layers: [
    [
      ...Array.from({ length: 40 }, (_, i) => ({
        name: `static/${'page-'.repeat(1 + (i % 30))}${i}.html`,
        data: `<p>${i}`,
      })),
      { name: 'index.html', data: '<html>' },
    ],
  ],
  options: { fs: 'vfat', fatCompat: 'includeos', fatBits: 16 },
};
