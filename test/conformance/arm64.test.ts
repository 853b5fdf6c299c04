import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arm64Initrd, type Arm64System, arm64System } from '../helpers/arm64.ts';
import { blockloom, output } from '../helpers/cli.ts';
import { firmwareMachine, machineTools } from '../helpers/firmware.ts';
import { guestOutput } from '../helpers/guest.ts';
import { json, writeBlob, writeImageBlobs, writeIndex } from '../helpers/oci-layout.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools(...machineTools('arm64'), 'apt-get', 'apt-cache', 'dpkg-deb', 'sgdisk');

/** The first run of a day downloads a kernel. In milliseconds. */
const TIMEOUT = 600_000;

/** SD_GPT_ROOT_ARM64 of the Discoverable Partitions Specification. */
const ROOT_ARM64 = 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE';

/** A system of one program. */
function systemTar({ busybox }: Arm64System): Uint8Array {
  return makeTar([
    { name: 'bin/' },
    { name: 'bin/busybox', mode: 0o755, data: readFileSync(busybox) },
    { name: 'bin/sh', type: 'symlink', linkName: 'busybox' },
    { name: 'etc/passwd', data: 'web:x:1000:1001::/:/bin/sh\n' },
  ]);
}

describe.skipIf(!isReady)('arm64, emulated', { timeout: TIMEOUT }, () => {
  it('runs the command of its image in an index of several platforms', () => {
    const system = arm64System();
    const folder = scratch();
    const tars = { amd64: makeTar([{ name: 'bin/' }]), arm64: systemTar(system) };
    const config = {
      User: 'web',
      Entrypoint: ['/bin/sh', '-c', 'busybox uname -m; busybox id -u; busybox cat; exit 7'],
    };
    const manifests = (['amd64', 'arm64'] as const).map((architecture) => {
      const platform = { os: 'linux', architecture };
      return { ...writeImageBlobs(folder, { layers: [tars[architecture]], platform, config }), platform };
    });
    const index = json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
    writeIndex(folder, [writeBlob(folder, 'application/vnd.oci.image.index.v1+json', index)]);
    const args = ['--accel', 'tcg', '--platform', 'linux/arm64', '--kernel', system.kernel, `oci:${folder}`];
    const { status, stdout, stderr } = blockloom(['run', ...args], { cwd: scratch(), input: Buffer.from('given\n') });
    expect([status, stdout, stderr]).toEqual([7, 'aarch64\n1000\ngiven\n', '']);
  });

  it.each(['systemd-boot', 'uki'])('boots from a disk with %s under UEFI', async (loader) => {
    const system = arm64System();
    const folder = scratch();
    writeFileSync(join(folder, 'system.tar'), systemTar(system));
    const script = 'cat /proc/cmdline; mount -t ext4 -o ro /dev/vda2 /mnt; chroot /mnt /bin/sh -c "busybox uname -m"';
    writeFileSync(join(folder, 'initrd'), await arm64Initrd(system, script));
    const systemd = '/usr/lib/systemd/boot/efi';
    const files = {
      [`/boot/vmlinuz-${system.release}`]: { file: system.kernel },
      [`/boot/initrd.img-${system.release}`]: { file: './initrd' },
      [`${systemd}/linuxaa64.efi.stub`]: { file: join(system.root, systemd, 'linuxaa64.efi.stub') },
      [`${systemd}/systemd-bootaa64.efi`]: { file: join(system.root, systemd, 'systemd-bootaa64.efi') },
    };
    const boot = { loader, cmdline: 'console=ttyAMA0 quiet panic=-1' };
    const definition = { blockloom: 1, platform: 'linux/arm64', layers: ['./system.tar', { files }], boot };
    writeFileSync(join(folder, 'image.json'), JSON.stringify(definition));
    output(['build', '-f', 'image.json', '-o', 'disk.img'], { cwd: folder });
    const disk = join(folder, 'disk.img');
    const partition = run('sgdisk', ['-i', '2', disk]).toString();
    expect(partition).toContain(`Partition GUID code: ${ROOT_ARM64}`);
    const [, uuid = ''] = /unique GUID: (\S+)/.exec(partition) ?? [];
    const machine = firmwareMachine(`file=${disk},readonly=on`, 'arm64');
    const said = guestOutput((await machine.says(/[^]*== status \d+\n/))[0]);
    expect(said).toContain(`root=PARTUUID=${uuid.toLowerCase()} ro ${boot.cmdline}`);
    expect(said).toMatch(/^aarch64$/m);
  });
});
