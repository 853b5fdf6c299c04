import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Merkle trees and descriptors behind the ends of files: of none, one, and two levels, of an empty file and one with holes. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'data/empty', data: '' },
      { name: 'data/small', data: 'small\n' },
      { name: 'data/large', data: bytesOfSeed(1, 1_000_000) },
      {
        name: 'data/holes',
        data: bytesOfSeed(2, 10_000),
        sparse: { form: '1.0', size: 2_000_000, segments: [{ offset: 1_000_000, length: 10_000 }] },
      },
      { name: 'plain', data: bytesOfSeed(3, 5000) },
    ],
  ],
  options: { fsverity: ['/data'] },
};
