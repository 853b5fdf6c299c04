import type { Recipe } from '../recipe.ts';

/** Names of inodes across layers, of symlinks and devices, before their targets, and of targets that went away. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'a', data: 'the first a' },
      { name: 'b', data: 'the first b' },
      { name: 'symlink', type: 'symlink', mode: 0o777, linkName: 'a' },
      { name: 'device', type: 'character', deviceMajor: 1, deviceMinor: 3 },
      { name: 'second-a', type: 'hardlink', linkName: 'a' },
    ],
    [
      { name: 'third-a', type: 'hardlink', linkName: 'a' },
      { name: 'a', data: 'another a' },
      { name: 'second-b', type: 'hardlink', linkName: 'b' },
      { name: '.wh.b' },
      { name: 'second-symlink', type: 'hardlink', linkName: 'symlink' },
      { name: 'second-device', type: 'hardlink', linkName: 'device' },
      { name: 'early', type: 'hardlink', linkName: 'late' },
      { name: 'earlier', type: 'hardlink', linkName: 'early' },
      { name: 'late', data: 'came last' },
    ],
    [{ name: 'fourth-a', type: 'hardlink', linkName: 'third-a' }],
  ],
};
