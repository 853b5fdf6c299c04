import { bytesOfSeed, type Recipe } from '../recipe.ts';

const LONG = { 'user.long': bytesOfSeed(1, 10_000) };

/** Values that have inodes of their own (ea_inode): shared and not, beside others, of a symlink and a device, the longest. */
export const recipe: Recipe = {
  layers: [
    [
      { name: 'a', data: '1', xattrs: LONG },
      { name: 'b', data: '2', xattrs: LONG },
      { name: 'c/', xattrs: { ...LONG, 'trusted.same': LONG['user.long'], 'user.short': 's' } },
      { name: 'd', type: 'symlink', linkName: 'a', xattrs: { 'trusted.other': bytesOfSeed(2, 5000) } },
      { name: 'e', type: 'character', deviceMajor: 1, deviceMinor: 3, xattrs: { 'trusted.t': bytesOfSeed(3, 65_536) } },
    ],
    [{ name: 'f', data: '3', xattrs: { 'user.first': bytesOfSeed(4, 4000), 'user.second': bytesOfSeed(5, 4001) } }],
  ],
};
