import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { output } from '../helpers/cli.ts';
import { bootstrap, releaseOfApt } from '../helpers/debian.ts';
import { canStartGuests, debianKernel, type GuestExtras, guestFiles, guestOutput } from '../helpers/guest.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { LIMIT, requireTools } from '../helpers/tools.ts';

const FIRMWARE = ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'] as const;
const SYSTEMD = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';
const isReady = canStartGuests() && requireTools(SYSTEMD, ...FIRMWARE, 'findfs', 'veritysetup', 'debootstrap', 'root');

/** What the initrd needs to find the root filesystem by what its kernel was told. */
const FIND = `told() { for word in $(cat /proc/cmdline); do case $word in "$1="*) echo "\${word#*=}";; esac; done; }
found() { /usr/sbin/findfs "$(told "$1")"; }`;

/** Runs a command of the root filesystem, mounted with the flags that Kata Containers gives. */
const MOUNT = `${FIND}
mount -t ext4 -o data=ordered,errors=remount-ro,ro "$(found root)" /mnt
chroot /mnt /bin/sh -c 'echo "Debian $(cat /etc/debian_version)"; dpkg-query --version | head -n 1'`;

const VERIFY = `${FIND}
export DM_DISABLE_UDEV=1
veritysetup open "$(found systemd.verity_root_data)" root "$(found systemd.verity_root_hash)" "$(told roothash)"
mount -t ext4 -o ro "$(told root)" /mnt
cat /mnt/etc/hostname
cat /mnt/big >/dev/null || echo refused`;

/** A folder with a definition of a disk that boots Debian's kernel and an initrd that runs the script, out of the layers. */
function bootFolder(layer: string, script: string, extras: GuestExtras, boot: object): string {
  const folder = scratch();
  const kernel = debianKernel();
  const release = basename(kernel).replace('vmlinuz-', '');
  const { initrd } = guestFiles(script, { ...extras, programs: ['/usr/sbin/findfs', ...(extras.programs ?? [])] });
  const files = {
    [`/boot/vmlinuz-${release}`]: { file: kernel },
    [`/boot/initrd.img-${release}`]: { file: initrd },
  };
  const told = { cmdline: 'console=ttyS0 quiet panic=-1', ...boot };
  const filesystem = { mount_options: 'journal_data_ordered' };
  const definition = { blockloom: 1, layers: [layer, { files }], filesystem, boot: told };
  writeFileSync(join(folder, 'image.json'), JSON.stringify(definition));
  return folder;
}

/** How long firmware and a guest may take on a busy machine, in milliseconds; mostly it is 20 seconds. */
const PATIENCE = 240_000;

/** What a machine with UEFI firmware says on its console when it has that disk and nothing else. */
function bootedWith(drive: string): string {
  const variables = join(scratch(), 'variables.fd');
  copyFileSync(FIRMWARE[1], variables);
  const machine = ['-accel', 'tcg', '-m', '512', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];
  const pflash = [`${FIRMWARE[0]},readonly=on`, variables].flatMap((file) => [
    '-drive',
    `if=pflash,format=raw,file=${file}`,
  ]);
  const disk = ['-drive', `${drive},format=raw,if=virtio,readonly=on`];
  const args = [...machine, ...pflash, ...disk, '-serial', 'stdio'];
  const { stdout } = spawnSync('qemu-system-x86_64', args, { ...LIMIT, timeout: PATIENCE });
  return guestOutput(stdout.toString('latin1'));
}

describe.skipIf(!isReady)('a disk that boots', () => {
  it.each(['systemd-boot', 'uki'])(
    'boots Debian with %s under UEFI, from its file',
    (loader) => {
      const folder = bootFolder(bootstrap(releaseOfApt(), scratch()), MOUNT, {}, { loader });
      output(['build', '-f', 'image.json', '-o', 'disk.img'], { cwd: folder });
      expect(bootedWith(`file=${join(folder, 'disk.img')}`)).toMatch(/Debian 1\d\.\d+\n.*dpkg-query/);
    },
    600_000,
  );

  it('boots Debian as a unified kernel image under UEFI, as it is served', async () => {
    const folder = bootFolder(bootstrap(releaseOfApt(), scratch()), MOUNT, {}, { loader: 'uki' });
    const socket = join(folder, 'socket');
    await startServe(['-f', 'image.json', '--socket', socket], folder);
    expect(bootedWith(`file.driver=nbd,file.server.type=unix,file.server.path=${socket}`)).toContain('Debian 1');
  }, 600_000);

  it('has a root filesystem that is verified, of which no changed byte is read', () => {
    const folder = scratch();
    const layer = join(folder, 'root.tar');
    writeFileSync(
      layer,
      makeTar([{ name: 'etc/' }, { name: 'etc/hostname', data: 'web\n' }, { name: 'big', data: 'b'.repeat(100_000) }]),
    );
    const extras = { hasVerity: true, programs: ['/usr/sbin/veritysetup'] };
    const made = bootFolder(layer, VERIFY, extras, {});
    output(['build', '-f', 'image.json', '--verity', '-o', 'disk.img'], { cwd: made });
    const path = join(made, 'disk.img');
    const image = readFileSync(path);
    const victim = image.indexOf('b'.repeat(50_000));
    image[victim + 50_000]! ^= 1;
    writeFileSync(path, image);
    expect(bootedWith(`file=${path}`)).toMatch(/^web\n[^]*Input\/output error\nrefused\n/m);
  }, 300_000);
});
