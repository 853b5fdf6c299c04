import type { Recipe } from '../recipe.ts';

/** A guest image of Kata Containers, for NVDIMM. */
export const recipe: Recipe = {
  layers: [[{ name: 'etc/hostname', data: 'kata\n' }]],
  options: { mountOptions: ['journal_data_ordered'] },
  disk: { table: 'mbr', dax: true },
};
