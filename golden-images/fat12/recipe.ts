import { bytesOfSeed, type Recipe } from '../recipe.ts';

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** An EFI system partition with short names, long ones that want numbers, and names that are not ASCII. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'EFI/BOOT/BOOTX64.EFI', data: bytesOfSeed(1, 70_001), mtime: 1_600_000_001 },
      { name: 'loader/loader.conf', data: 'timeout 3\n', mtime: 1 },
      ...Array.from({ length: 11 }, (_, i) => ({ name: `loader/entries/debian-12.${i}.conf`, data: `title ${i}\n` })),
      { name: 'loader/entries/DEBIAN~2.CON', data: 'short\n' },
      { name: utf8('größe/ß 😀.txt'), data: 'names' },
      { name: 'empty', data: '' },
    ],
    [{ name: 'EFI/BOOT/BOOTX64.EFI', data: bytesOfSeed(2, 4096) }, { name: 'loader/.wh.loader.conf' }],
  ],
  options: { fs: 'vfat', label: 'esp', mtime: 'keep' },
};
