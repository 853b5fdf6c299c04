import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, keepMade, releaseOfApt, tarOf, untar } from './debian.ts';
import { run } from './tools.ts';

/** A Debian system that boots, as packages make it. Paths of files. */
export interface DebianSystem {
  /** A tar of the system, with its kernel and the initrd of initramfs-tools in /boot. */
  readonly tar: string;
  readonly release: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Another initrd, of dracut, with its module systemd-veritysetup. */
  readonly dracutInitrd: string;
}

const PACKAGES = ['systemd-sysv', 'linux-image-cloud-amd64', 'initramfs-tools', 'dracut-core', 'cryptsetup-bin'];

/** What makes the system, in a namespace of mounts of its own: the mounts end with it. */
const INSTALL = `set -e
export DEBIAN_FRONTEND=noninteractive
mount --bind /dev "$1/dev"
mount -t proc proc "$1/proc"
chroot "$1" apt-get -qq update
chroot "$1" apt-get -qq install --yes --no-install-recommends ${PACKAGES.join(' ')}
release=$(ls "$1/lib/modules")
chroot "$1" dracut --quiet --no-hostonly --add systemd-veritysetup /boot/dracut.img "$release"`;

/** How long mirror, packages and dracut may take, in milliseconds; mostly it is a minute. */
const INSTALL_TIMEOUT = 400_000;

/** Debian with systemd and a kernel, and initrds that nobody changed; made once a day. */
export function debianSystem(): DebianSystem {
  const release = releaseOfApt();
  const name = `debian-system-${release.suite}-${new Date().toISOString().slice(0, 10)}`;
  const kept = keepMade('debian-system-', name, (directory) => {
    const [system, made] = [join(directory, 'system'), join(directory, 'made')];
    for (const each of [system, made]) mkdirSync(each);
    untar(bootstrap(release, directory), system);
    run('unshare', ['--mount', 'sh', '-c', INSTALL, 'sh', system], { timeout: INSTALL_TIMEOUT });
    for (const file of readdirSync(join(system, 'boot'))) copyFileSync(join(system, 'boot', file), join(made, file));
    rmSync(join(system, 'boot/dracut.img'));
    tarOf(system, ['--exclude=./var/cache/apt/*', '--exclude=./var/lib/apt/lists/*_*', '.'], join(made, 'system.tar'));
    return made;
  });
  const kernel = readdirSync(kept).find((file) => file.startsWith('vmlinuz-')) ?? '';
  const version = kernel.replace('vmlinuz-', '');
  return {
    tar: join(kept, 'system.tar'),
    release: version,
    kernel: join(kept, kernel),
    initrd: join(kept, `initrd.img-${version}`),
    dracutInitrd: join(kept, 'dracut.img'),
  };
}
