import { dirHashes, HashVersion } from 'ext2fs-wasm';
import { S_HASH_SEED } from '../../src/core/ext4/checksums.ts';
import type { TarEntry } from '../../test/helpers/tar-writer.ts';
import type { Recipe } from '../recipe.ts';

/** Deep and wide: 200 levels, an index of one level, one of two, and names whose hashes collide around the end of a leaf. */
export const recipe: Recipe = {
  layers: [
    [
      { name: `${'d/'.repeat(200)}deepest`, data: 'here\n' },
      ...names('linear', 100, (i) => `f${i}`),
      ...names('indexed', 500, (i) => `file-${i}`),
      ...names('subdirectories', 300, (i) => `sub-${i}/`),
      ...collisions(),
    ],
  ],
  options: { blockSize: 1024 },
};

function names(directory: string, count: number, name: (i: number) => string): TarEntry[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${directory}/${name(i)}` }));
}

/** Names of 200 bytes, four to a leaf, among them pairs of equal hash. */
function collisions(): TarEntry[] {
  const candidates = Array.from({ length: 150_000 }, (_, i) => `${i}-`.padEnd(200, 'c'));
  const bytes = new TextEncoder().encode(candidates.join(''));
  const ends = new Uint32Array(candidates.length).map((_, i) => 200 * (i + 1));
  const seed = new Uint32Array(4).map((_, i) => new DataView(S_HASH_SEED.buffer).getUint32(4 * i, true));
  const hashes = new Uint32Array(2 * candidates.length);
  dirHashes(bytes, ends, HashVersion.half_md4_unsigned, seed, hashes);
  const first = new Map<number, number>();
  const found = new Set<number>();
  for (let i = 0; i < candidates.length; i++) {
    const twin = first.get(hashes[2 * i]!);
    if (twin === undefined) first.set(hashes[2 * i]!, i);
    else found.add(twin).add(i);
  }
  for (let i = 0; found.size < 560; i++) found.add(i);
  return Array.from(found, (i) => ({ name: `collisions/${candidates[i]}` }));
}
