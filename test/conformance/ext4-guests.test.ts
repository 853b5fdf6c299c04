import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOfSeed } from '../../golden-images/recipe.ts';
import { Guest, canStartGuests } from '../helpers/guest.ts';
import { buildCase } from '../helpers/image-case.ts';
import { e2fsck, requireTools } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck') && canStartGuests();

describe.skipIf(!isReady)('an image of inline data, an index of three levels and xattrs with inodes', () => {
  it("is read and changed by another kernel than this host's", { timeout: 300_000 }, async () => {
    const small = Array.from({ length: 130 }, (_, i) => ({ name: `small/${1000 + i}`, data: bytesOfSeed(i, i) }));
    const layer = [
      ...small,
      ...Array.from({ length: 8 }, (_, i) => ({ name: `d/${i}/name`, data: `${i}\n` })),
      { name: 'long', xattrs: { 'user.long': bytesOfSeed(1, 40_000) } },
      ...Array.from({ length: 46_600 }, (_, i) => ({ name: `large/${i}`.padEnd(6 + 255, '.') })),
    ];
    const { path } = await buildCase([layer], { blockSize: 1024, features: ['inline_data'], free: 8 << 20 });
    const guest = new Guest(
      ['-drive', `file=${path},format=raw,if=virtio`],
      `mount -t ext4 /dev/vda /mnt
      cd /mnt
      cat small/* | sha256sum
      cat d/*/name
      ls large | wc -l
      ls -d large/46599.* | wc -l
      echo more >> small/1005
      echo more >> small/1128
      mkdir d/3/subdirectory
      echo hello > d/3/other
      rm large/100.* long
      touch large/new
      cd /
      umount /mnt
      mount -t ext4 -o ro /dev/vda /mnt
      cd /mnt
      wc -c < small/1128
      cat d/3/other
      ls large | wc -l`,
    );
    const hash = createHash('sha256');
    for (const { data } of small) hash.update(data);
    const names = [0, 1, 2, 3, 4, 5, 6, 7];
    const expected = [`${hash.digest('hex')}  -`, ...names, 46_600, 1, 128 + 5, 'hello', 46_600];
    expect((await guest.output()).trim().split('\n')).toEqual(expected.map(String));
    e2fsck(path);
  });
});
