import { createHash } from 'node:crypto';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VMMS } from '../../src/core/launch/vmms.ts';
import { startAttach } from '../helpers/attached.ts';
import { output } from '../helpers/cli.ts';
import { canStartGuests, GUEST_PARAMETERS, guestFiles, guestOutput } from '../helpers/guest.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools } from '../helpers/tools.ts';

/** What the table of VMMs says that a test runs, of those that boot Linux; here one does. */
const EXECUTED = VMMS.filter(({ name }) => ['qemu', 'microvm'].includes(name)).flatMap(({ name, attachments }) =>
  attachments.filter(([, status]) => status === 'executed').map(([as]) => [name, as] as const),
);

const isPossible = canStartGuests() && requireTools('root', 'qemu-storage-daemon');

describe.skipIf(!isPossible)('a guest of', () => {
  it.each(EXECUTED)('%s has the image as its disk, attached as %s', async (vmm, as) => {
    const folder = scratch();
    const data = Buffer.alloc(3_000_000, 'loom');
    writeFileSync(join(folder, 'layer.tar'), makeTar([{ name: 'data', data }]));
    const image = ['layer.tar', '--label', 'attached'];
    const sha256 = output(['hash', ...image], { cwd: folder });
    const script = 'sha256sum /dev/vda; cat /sys/block/vda/ro; mount -t ext4 -o ro /dev/vda /mnt; sha256sum /mnt/data';
    const { kernel, initrd } = guestFiles(script);
    const guest = ['--kernel', kernel, '--initrd', initrd, '--append', GUEST_PARAMETERS, '--memory', '256M'];
    const attached = startAttach([...image, '--vmm', vmm, '--as', as, '--accel', 'tcg', ...guest, '--exec'], folder);
    expect(await attached.ended).toEqual({ code: 0, signal: null });
    const sums = [`${sha256}  /dev/vda`, '1', `${createHash('sha256').update(data).digest('hex')}  /mnt/data`];
    expect(guestOutput(attached.stdout())).toBe(`${sums.join('\n')}\n`);
    expect(attached.stderr()).toBe('');
    attached.expectNothingLeft();
  });

  it('qemu has several images as its disks, in their order, its root where the disk has it, and is told what is behind --', async () => {
    const folder = scratch();
    for (const name of ['system', 'data'])
      writeFileSync(join(folder, `${name}.tar`), makeTar([{ name: 'name', data: `${name}\n` }]));
    symlinkSync('/usr/bin/qemu-system-x86_64', join(folder, 'emulator'));
    const script = [
      'dmesg -n 1',
      "root=$(sed 's/.* root=\\([^ ]*\\).*/\\1/' /proc/cmdline)",
      'for disk in "$root" /dev/vdb1; do mount -t ext4 -o ro "$disk" /mnt; echo "= $disk $(cat /mnt/name)"; umount /mnt; done',
      'echo "= $(cat /sys/block/vda/serial) $(cat /sys/block/vdb/serial) $(cat /sys/class/dmi/id/product_serial)"',
    ].join('\n');
    const { kernel, initrd } = guestFiles(script);
    const images = ['root=system.tar', 'more=data.tar', '--disk', 'gpt'];
    const vmm = ['--vmm', 'qemu', '--program', './emulator', '--accel', 'tcg', '--kernel', kernel, '--initrd', initrd];
    const attached = startAttach([...images, ...vmm, '--exec', '--', '-smbios', 'type=1,serial=loom'], folder);
    expect(await attached.ended).toEqual({ code: 0, signal: null });
    const said = guestOutput(attached.stdout()).split('\n');
    expect(said.filter((line) => line.startsWith('= '))).toEqual([
      '= /dev/vda1 system',
      '= /dev/vdb1 data',
      '= root more loom',
    ]);
    attached.expectNothingLeft();
  });
});
