import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ImageOptions } from '../../src/image/options.ts';
import { blobPartition, diskOf } from '../helpers/disk.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import { buildCase } from '../helpers/image-case.ts';
import { plainBytes } from '../helpers/memory-plan.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

/** What Kata's runtimes have the kernel mount the root filesystem of a guest with, whatever that is. */
const ROOT_FLAGS = 'data=ordered,errors=remount-ro';

/** The options that the kernel has mounted an image with, as findmnt(8) tells. */
async function mounted(options: ImageOptions): Promise<string[]> {
  const { path } = await buildCase([[{ name: 'sbin/init', data: 'x' }]], options);
  const directory = join(scratch(), 'mnt');
  mkdirSync(directory);
  run('mount', ['-t', 'ext4', '-o', `loop,ro,${ROOT_FLAGS}`, path, directory]);
  onTestFinished(() => {
    run('umount', [directory]);
  });
  return run('findmnt', ['-no', 'OPTIONS', directory]).toString().trim().split(',');
}

describe.skipIf(!requireTools('root', 'mount', 'findmnt'))("the kernel takes Kata's root flags", () => {
  it('for an image with a journal', async () => {
    expect(await mounted({ journal: true })).toContain('ro');
  });

  it('for an image without one, whose default is journal_data_ordered', async () => {
    expect(await mounted({ mountOptions: ['journal_data_ordered'] })).toContain('ro');
  });

  it('and no others', async () => {
    await expect(mounted({})).rejects.toThrow('mount');
  });
});

/** A machine whose first disk and whose NVDIMM are the same file. */
const machineOf = (path: string, size: number): string[] =>
  [
    '-machine q35,nvdimm=on -m 256M,slots=2,maxmem=2G',
    `-object memory-backend-file,id=file,share=off,mem-path=${path},size=${size} -device nvdimm,memdev=file`,
    `-drive file=${path},format=raw,if=virtio,readonly=on`,
  ].flatMap((options) => options.split(' '));

/** Mounts both as Kata's runtimes do, and the NVDIMM without a page cache too. */
const SCRIPT = `
for device in vda1 pmem0p1; do
  mount -t ext4 -o ro,${ROOT_FLAGS} /dev/$device /mnt
  cat /mnt/sbin/init
  umount /mnt
done
mount -t ext4 -o ro,dax,${ROOT_FLAGS} /dev/pmem0p1 /mnt
cat /mnt/sbin/init
grep -o dax=always /proc/mounts
cat /sys/block/pmem0/size
`;

describe.skipIf(!canStartGuests())('a disk with what an NVDIMM begins with', () => {
  it('is the root filesystem of a guest as /dev/vda1 and as /dev/pmem0p1, which has no page cache', async () => {
    const { path, directory } = await buildCase([[{ name: 'sbin/init', data: 'init\n' }]], { journal: true });
    const filesystem = readFileSync(path);
    const disk = diskOf([blobPartition(0, filesystem.length)], { table: 'mbr', dax: true });
    const file = join(directory, 'disk.img');
    writeFileSync(file, plainBytes(disk, [filesystem]));
    const guest = new Guest(machineOf(file, disk.size), SCRIPT, { hasNvdimm: true });
    const sectors = disk.size / 512 - 4096;
    expect(await guest.output()).toBe(`init\ninit\ninit\ndax=always\n${sectors}\n`);
  });
});
