import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/core/launch/attach-script.ts';
import { shellWords } from '../../src/core/launch/shell-words.ts';
import { startAttach } from '../helpers/attached.ts';
import { output } from '../helpers/cli.ts';
import { canStartGuests, GUEST_PARAMETERS, guestFiles, guestOutput } from '../helpers/guest.ts';
import { programFiles } from '../helpers/program.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const QEMU = '/usr/bin/qemu-system-x86_64';
/** What QEMU boots a kernel with. */
const FIRMWARE = [
  '/usr/share/seabios/bios-256k.bin',
  '/usr/share/qemu/linuxboot_dma.bin',
  '/usr/share/qemu/kvmvapic.bin',
];

/** A file of the host, at the same place in a layer. */
const fileOf = (path: string, from = path): { name: string; mode: number; data: Buffer } => ({
  name: path.slice(1),
  mode: 0o755,
  data: readFileSync(from),
});

describe.skipIf(!canStartGuests())('KVM, in a guest whose emulated processor has SVM', () => {
  it('starts another guest by what attach prints, which has the image as its disk', async () => {
    const folder = scratch();
    const image = join(folder, 'disk.img');
    writeFileSync(join(folder, 'layer.tar'), makeTar([{ name: 'data', data: Buffer.alloc(1_000_000, 'loom') }]));
    output(['build', 'layer.tar', '-o', image], { cwd: folder });
    const sha256 = output(['hash', 'layer.tar'], { cwd: folder });
    const inner = guestFiles('sha256sum /dev/vda; dmesg | grep -o "Hypervisor detected: KVM"');
    const boot = ['--kernel', '/vmlinuz', '--initrd', '/initrd', '--append', GUEST_PARAMETERS, '--memory', '256M'];
    const printed = output(['attach', image, '--vmm', 'qemu', '--as', 'file', '--accel', 'kvm', ...boot, '--json']);
    const [vmm] = (JSON.parse(printed) as { steps: Step[] }).steps;
    const program = programFiles(QEMU);
    const files = [image, ...FIRMWARE].map((path) => fileOf(path));
    const guest = [fileOf('/vmlinuz', inner.kernel), fileOf('/initrd', inner.initrd)];
    const folders = ['proc/', 'dev/'].map((name) => ({ name }));
    writeFileSync(join(folder, 'host.tar'), makeTar([...folders, ...program, ...files, ...guest]));
    const script = [
      'mount -t ext4 -o ro /dev/vda /mnt',
      'mount -t proc proc /mnt/proc; mount --bind /dev /mnt/dev',
      `chroot /mnt ${shellWords(vmm?.argv ?? [])} </dev/null | sed -n 's/^\\([0-9a-f]* .*vda\\|Hyper.*KVM\\).*/= \\1/p'`,
    ];
    const outer = guestFiles(script.join('\n'), { hasKvm: true });
    const kernel = ['--kernel', outer.kernel, '--initrd', outer.initrd, '--append', GUEST_PARAMETERS];
    const emulated = ['--vmm', 'qemu', '--accel', 'tcg', '--memory', '1G', '--exec', '--', '-cpu', 'EPYC,+svm'];
    const attached = startAttach(['host.tar', ...kernel, ...emulated], folder);
    await attached.ended;
    const said = guestOutput(attached.stdout()).split('\n');
    expect(said.filter((line) => line.startsWith('= '))).toEqual([
      `= ${sha256}  /dev/vda`,
      '= Hypervisor detected: KVM',
    ]);
    attached.expectNothingLeft();
  });
});
