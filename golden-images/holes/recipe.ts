import type { TarEntry } from '../../test/helpers/tar-writer.ts';
import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Segments that begin and end within blocks, two of them within the same one. */
const SHARING = [
  { offset: 100, length: 100 },
  { offset: 300, length: 200 },
  { offset: 9000, length: 200 },
  { offset: 19_900, length: 100 },
];

/** Holes in every sparse form; extents in the inode, in one leaf, and in several leaves. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'only-a-hole', sparse: { form: '1.0', size: 2 ** 40, segments: [] } },
      sparse('in-the-inode-gnu', 'gnu', 3, 100_000),
      sparse('in-the-inode-0.0', '0.0', 4, 65_536),
      sparse('one-leaf-0.1', '0.1', 5, 65_536),
      sparse('two-leaves-1.0', '1.0', 341, 8192),
      { name: 'between-blocks', data: bytesOfSeed(1, 600), sparse: { form: '1.0', size: 20_000, segments: SHARING } },
      { name: 'without-holes', data: bytesOfSeed(2, 50_000) },
    ],
  ],
};

function sparse(name: string, form: '0.0' | '0.1' | '1.0' | 'gnu', count: number, distance: number): TarEntry {
  const segments = Array.from({ length: count }, (_, i) => ({ offset: (i + 1) * distance, length: 50 + (i % 7) }));
  const length = segments.reduce((sum, segment) => sum + segment.length, 0);
  return { name, data: bytesOfSeed(count, length), sparse: { form, size: (count + 2) * distance, segments } };
}
