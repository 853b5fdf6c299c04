import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildFat, fsckFat } from '../helpers/fat-image.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const isReady = canStartGuests() && requireTools('fsck.fat', 'mtype');

const MIB = 1024 * 1024;
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 250) + seed) & 0xff);

const ENTRIES: readonly TarEntry[] = [
  { name: 'README.TXT', data: 'short\n', mtime: 1_600_000_001 },
  { name: 'EFI/BOOT/BOOTX64.EFI', data: bytes(300_000, 1) },
  { name: utf8('größer/ÄÖ 😀.txt'), data: 'names' },
  { name: `deep/${'d'.repeat(190)}/e.txt`, data: 'deep' },
  { name: 'empty', data: '' },
  ...Array.from({ length: 300 }, (_, i) => ({ name: `many/a long name of file ${i}`, data: bytes(i * 9, i) })),
];

const KINDS: readonly ImageOptions[] = [
  { free: MIB, label: 'fat12' },
  { fatBits: 16, fatCompat: 'includeos' },
  { fatBits: 32, free: MIB },
  { size: 600 * MIB, label: 'fat32' },
];

/** Reads every file, then writes some, on all disks. */
const SCRIPT = `for disk in vda vdb vdc vdd; do
  mount -t vfat -o utf8,tz=UTC /dev/$disk /mnt
  echo "== $disk"
  cd /mnt
  find . -type f | sort | while read -r name; do sha256sum "$name"; done
  stat -c '%Y' README.TXT
  rm -r many
  mkdir 'new directory'
  head -c 500000 /dev/zero > 'new directory/a file of zeros'
  mv empty 'new directory/Moved'
  echo written > written
  cd /
  umount /mnt
done
`;

describe.skipIf(!isReady)('FAT in a guest', () => {
  it('is mounted by Linux, read, written, and sound after it', async () => {
    const paths = await Promise.all(KINDS.map(async (options) => buildFat(ENTRIES, { ...options, mtime: 'keep' })));
    const disks = paths.flatMap((path) => ['-drive', `file=${path},format=raw,if=virtio`]);
    const said = Buffer.from(await new Guest(disks, SCRIPT, { hasFat: true }).output(), 'latin1').toString();
    const parts = said.split(/^== vd.\n/m).slice(1);
    const expected = ENTRIES.map(({ name, data = '' }) => {
      const path = Buffer.from(name, 'latin1').toString();
      return `${createHash('sha256').update(data).digest('hex')}  ./${path}`;
    });
    expect(parts).toHaveLength(KINDS.length);
    for (const part of parts) {
      const lines = part.trim().split('\n');
      expect(lines.slice(0, -1).sort()).toEqual(expected.toSorted());
      expect(lines.at(-1)).toBe('1600000000');
    }
    for (const path of paths) {
      fsckFat(path);
      expect(run('mtype', ['-i', path, '::written']).toString()).toBe('written\n');
    }
  }, 100_000);
});
