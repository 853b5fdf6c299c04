import type { Recipe } from '../recipe.ts';

/** Every type of file, devices of both encodings, and symlinks on both sides of the border between inode and block. */
export const recipe: Recipe = {
  layers: [
    [
      { name: './', mode: 0o751, uid: 1, gid: 2 },
      { name: 'directory/', mode: 0o1777 },
      { name: 'file', data: 'content', mode: 0o4755, uid: 4_294_967_294, gid: 65_536 },
      { name: 'empty', data: '' },
      { name: 'fifo', type: 'fifo', mode: 0o600 },
      { name: 'null', type: 'character', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
      { name: 'disk', type: 'block', mode: 0o660, gid: 6, deviceMajor: 255, deviceMinor: 255 },
      { name: 'large-device', type: 'block', mode: 0o660, deviceMajor: 4095, deviceMinor: 1_048_575 },
      { name: 'large-minor', type: 'character', mode: 0o660, deviceMajor: 1, deviceMinor: 256 },
      { name: 'short-link', type: 'symlink', mode: 0o777, linkName: 'file' },
      { name: 'link-of-59', type: 'symlink', mode: 0o777, linkName: 'x'.repeat(59) },
      { name: 'link-of-60', type: 'symlink', mode: 0o777, linkName: 'x'.repeat(60) },
      { name: 'link-of-4095', type: 'symlink', mode: 0o777, linkName: '/'.padEnd(4095, 'y/') },
      { name: 'other-name', type: 'hardlink', linkName: 'file' },
    ],
  ],
};
