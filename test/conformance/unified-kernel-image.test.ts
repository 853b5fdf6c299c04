import { spawnSync } from 'node:child_process';
import { copyFileSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { planUnifiedKernelImage, type UkiSection } from '../../src/core/boot/unified-kernel-image.ts';
import { PlannedImage } from '../../src/image/image.ts';
import { FileBlob } from '../../src/sources/file-blob.ts';
import { identityOf } from '../../src/sources/identity.ts';
import type { Blob } from '../../src/sources/layer.ts';
import { makeCpio } from '../helpers/cpio-writer.ts';
import { buildFat } from '../helpers/fat-image.ts';
import { canStartGuests, debianKernel } from '../helpers/guest.ts';
import { bytesOfImage } from '../helpers/image-case.ts';
import { scratch } from '../helpers/scratch.ts';
import { LIMIT, requireTools, run } from '../helpers/tools.ts';

const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const FIRMWARE = ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'] as const;
const isReady = canStartGuests() && requireTools(STUB, ...FIRMWARE, 'objdump', 'objcopy');

/** Says which command line it has, and that it is there; then the machine is off. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "== booted with $(/bin/busybox cat /proc/cmdline) =="
/bin/busybox poweroff -f
`;

function blobOf(path: string): Blob & { readonly length: number } {
  const fd = openSync(path, 'r');
  const identity = identityOf(fstatSync(fd, { bigint: true }));
  return Object.assign(new FileBlob(fd, identity, {}, path), { length: Number(identity.size) });
}

/** A unified kernel image of Debian's kernel and a small initrd, and the path of each. */
function makeImage(folder: string): { image: Uint8Array; kernel: string; initrd: string } {
  const kernel = debianKernel();
  const initrd = join(folder, 'initrd');
  const busybox = readFileSync(join(dirname(kernel), '../busybox'));
  const cpio = makeCpio([
    { name: 'bin', mode: 0o040755 },
    { name: 'proc', mode: 0o040755 },
    { name: 'bin/busybox', mode: 0o100755, data: busybox },
    { name: 'init', mode: 0o100755, data: Buffer.from(INIT) },
  ]);
  writeFileSync(initrd, cpio);
  const blobs = [blobOf(initrd), blobOf(kernel)];
  onTestFinished(() => blobs.forEach((blob) => blob.close()));
  const text = (name: string, value: string): UkiSection => ({ name, content: { bytes: Buffer.from(value) } });
  const plan = planUnifiedKernelImage(readFileSync(STUB), [
    text('.osrel', 'ID=blockloom-test\nVERSION_ID=1\n'),
    text('.cmdline', 'console=ttyS0 quiet panic=-1 blockloom.test=1'),
    ...blobs.map(({ length }, blob) => ({ name: ['.initrd', '.linux'][blob]!, content: { blob, offset: 0, length } })),
  ]);
  return { image: bytesOfImage(new PlannedImage(plan, blobs)), kernel, initrd };
}

describe.skipIf(!isReady)('a unified kernel image', () => {
  it('has the sections that objdump and objcopy find', () => {
    const folder = scratch();
    const { image, kernel, initrd } = makeImage(folder);
    const path = join(folder, 'linux.efi');
    writeFileSync(path, image);
    const headers = run('objdump', ['-h', path]).toString();
    const names = [...headers.matchAll(/^ +\d+ (\.\w+)/gm)].map(([, name]) => name);
    expect(names.slice(-4)).toEqual(['.osrel', '.cmdline', '.initrd', '.linux']);
    for (const [name, source] of [
      ['.initrd', initrd],
      ['.linux', kernel],
    ] as const) {
      const part = join(folder, 'part');
      run('objcopy', ['--dump-section', `${name}=${part}`, path, join(folder, 'copy.efi')]);
      expect(readFileSync(part).subarray(0, readFileSync(source).length).equals(readFileSync(source))).toBe(true);
    }
  });

  it('boots from FAT with UEFI firmware', async () => {
    const folder = scratch();
    const { image } = makeImage(folder);
    const disk = await buildFat([{ name: 'EFI/BOOT/BOOTX64.EFI', data: image }], { fatBits: 32, label: 'esp' });
    const variables = join(folder, 'variables.fd');
    copyFileSync(FIRMWARE[1], variables);
    const machine = ['-accel', 'tcg', '-m', '512', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];
    const pflash = [`${FIRMWARE[0]},readonly=on`, variables].flatMap((file) => [
      '-drive',
      `if=pflash,format=raw,file=${file}`,
    ]);
    const drive = ['-drive', `file=${disk},format=raw,if=virtio`];
    const { stdout } = spawnSync('qemu-system-x86_64', [...machine, ...pflash, ...drive, '-serial', 'stdio'], LIMIT);
    expect(stdout.toString('latin1')).toContain('== booted with console=ttyS0 quiet panic=-1 blockloom.test=1 ==');
  }, 110_000);
});
