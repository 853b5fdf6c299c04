import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** FAT32 with clusters of 4 KiB, a sparse file, a file of two names, and a directory of several clusters. */
export const recipe: Recipe = {
  layers: [
    [
      {
        name: 'sparse',
        data: bytesOfSeed(3, 6000),
        sparse: {
          form: '1.0',
          size: 200_000_000,
          segments: [
            { offset: 5000, length: 1000 },
            { offset: 150_000_000, length: 5000 },
          ],
        },
      },
      { name: 'a/b/c/d.txt', data: 'deep\n' },
      { name: 'again.txt', type: 'hardlink', linkName: 'a/b/c/d.txt' },
      ...Array.from({ length: 300 }, (_, i) => ({ name: `many/number ${i}.data`, data: bytesOfSeed(i, i) })),
    ],
  ],
  options: { fs: 'vfat', size: 600 * 1024 * 1024, uuid: Uint8Array.of(0x12, 0x34, 0xab, 0xcd) },
};
