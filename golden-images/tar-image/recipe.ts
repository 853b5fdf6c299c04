import { bytesOfSeed, type Recipe } from '../recipe.ts';

/** Members of all types that ustar has, in another order than the layer's, and zeros behind them. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'z', data: bytesOfSeed(1, 1000), mode: 0o4755, uid: 1000, gid: 5, mtime: 1_600_000_000 },
      { name: 'again', type: 'hardlink', linkName: 'z' },
      { name: `${'p'.repeat(70)}/${'q'.repeat(70)}/${'n'.repeat(99)}`, data: 'long\n' },
      { name: 'd/\xc3\xa4', data: 'bytes\n' },
      { name: 'd-before-slash', data: 'order\n' },
      { name: 'link', type: 'symlink', linkName: 'z' },
      { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
      { name: 'pipe', type: 'fifo' },
      { name: 'sparse', data: 'ab', sparse: { form: '1.0', size: 5002, segments: [{ offset: 5000, length: 2 }] } },
    ],
  ],
  options: { fs: 'tar', mtime: 'keep', size: 64 * 1024 },
};
