import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Every kind of partition that needs no file of the host, and a hash tree in one of its own. */
export const recipe: Recipe = {
  layers: [[{ name: 'large', data: bytesOfSeed(2, 500_000) }]],
  options: { verity: true },
  disk: {
    table: 'gpt',
    esp: { size: 2 ** 20, layers: [{ files: { '/EFI/BOOT/BOOTX64.EFI': { text: 'not a program\n' } } }] },
    partitions: [
      { layers: [{ files: { '/a': { text: 'a\n' } } }], filesystem: { fs: 'ext2', label: 'data' }, name: 'data' },
      { swap: 2 ** 20 },
      { empty: 12_345 * 512, type: 'var' },
    ],
  },
};
