import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ENVIRONMENT, runQuietly } from './dependencies.mjs';

/** Programs, and libraries by a file of theirs, that tests compare with; a test whose program is missing is skipped and says so. */
export const TOOLS = [
  { command: 'git', debian: 'git', why: 'the tidiness tests list the tracked files' },
  {
    command: 'e2fsck',
    debian: 'e2fsprogs',
    why: 'e2fsck, debugfs and dumpe2fs judge every image; resize2fs changes it',
  },
  { command: 'mkfs.xfs', debian: 'xfsprogs', why: 'a filesystem whose files can share blocks' },
  { command: 'mkfs.btrfs', debian: 'btrfs-progs', why: 'another one' },
  { command: 'grub-fstest', debian: 'grub-common', why: "GRUB's ext4 reader" },
  { command: 'fls', debian: 'sleuthkit', why: "The Sleuth Kit's readers of ext4 and FAT" },
  { command: 'fsck.fat', debian: 'dosfstools', why: 'judges FAT' },
  { command: 'mcopy', debian: 'mtools', why: 'reads FAT' },
  { command: 'genext2fs', debian: 'genext2fs', why: 'another maker of images, for comparison' },
  { command: 'debootstrap', debian: 'debootstrap', why: 'makes a real system to be a layer' },
  { command: 'tar', debian: 'tar', why: 'GNU tar writes layers in all its formats' },
  { command: 'zstd', debian: 'zstd', why: 'zstd writes compressed layers' },
  { command: 'xz', debian: 'xz-utils', why: 'xz writes compressed layers' },
  { command: 'zip', debian: 'zip', why: 'writes wares that are zips' },
  { command: 'unzip', debian: 'unzip', why: 'reads the zips that are written' },
  { command: 'fsverity', debian: 'fsverity', why: 'computes fs-verity digests' },
  { command: 'veritysetup', debian: 'cryptsetup-bin', why: 'computes and verifies hash trees of dm-verity' },
  {
    command: 'partx',
    debian: 'util-linux',
    why: 'finds partitions where the kernel does not; with it blkid and swaplabel',
  },
  { command: 'sgdisk', debian: 'gdisk', why: 'judges partition tables' },
  { command: 'sfdisk', debian: 'fdisk', why: 'reads partition tables' },
  { command: 'setfattr', debian: 'attr', why: 'sets extended attributes for GNU tar to store' },
  { command: 'setfacl', debian: 'acl', why: 'sets access control lists for GNU tar to store' },
  { command: 'nbdinfo', debian: 'libnbd-bin', why: 'nbdinfo, nbdcopy and nbdfuse are clients of the NBD server' },
  { command: 'nbdsh', debian: 'python3-libnbd', why: 'a scripted NBD client that can send what is illegal' },
  { command: 'nbdkit', debian: 'nbdkit', why: 'its nbd plugin is a client, its file plugin the peer in benchmarks' },
  { command: 'qemu-io', debian: 'qemu-utils', why: "QEMU's NBD clients and tools" },
  {
    command: 'qemu-system-x86_64',
    debian: 'qemu-system-x86',
    why: 'guests mount what is served; with it comes qemu-storage-daemon',
  },
  {
    command: 'busybox',
    debian: 'busybox-static',
    why: 'the first program of guests, and a system in container images',
  },
  { command: 'nbd-client', debian: 'nbd-client', why: 'the oldest NBD client lists exports' },
  { command: 'fio', debian: 'fio', why: 'its nbd engine reads with many requests in flight' },
  { command: 'skopeo', debian: 'skopeo', why: 'copies container images from one form to another' },
  { command: 'docker-registry', debian: 'docker-registry', why: 'a registry to take container images from' },
  { command: 'umoci', debian: 'umoci', why: 'makes container images, and unpacks them' },
  { command: 'mandoc', debian: 'mandoc', why: 'judges the manual pages' },
  { command: 'man', debian: 'man-db', why: 'shows the manual pages' },
  { command: 'zsh', debian: 'zsh', why: 'takes the completion script' },
  { command: 'fish', debian: 'fish', why: 'takes the completion script' },
  { command: 'chromium', debian: 'chromium', why: 'shows the pages of map --html and diff --html' },
  {
    command: 'as',
    debian: 'binutils',
    why: 'makes executables with notes, as unikernels have; with it come ld and readelf',
  },
  { command: 'gcc', debian: 'gcc', why: 'compiles what has no program of its own: jsmn, with which Rumprun reads' },
  { command: '/usr/include/stdio.h', debian: 'libc6-dev', why: 'for gcc' },
  { command: '/usr/include/jsmn.h', debian: 'libjsmn-dev', why: 'what Rumprun reads its configuration with' },
  { command: '/usr/include/libxlutil.h', debian: 'libxen-dev', why: "Xen's own parser of its configuration files" },
  { command: '/usr/share/OVMF/OVMF_CODE.fd', debian: 'ovmf', why: 'UEFI firmware, which boots what is made for it' },
  { command: 'qemu-system-aarch64', debian: 'qemu-system-arm', why: 'guests of arm64' },
  { command: '/usr/share/AAVMF/AAVMF_CODE.fd', debian: 'qemu-efi-aarch64', why: 'UEFI firmware of arm64' },
  {
    command: '/usr/lib/systemd/boot/efi/linuxx64.efi.stub',
    debian: 'systemd-boot-efi',
    why: 'the stub of unified kernel images',
  },
  { command: 'objdump', debian: 'binutils', why: 'reads the sections of EFI applications' },
  { command: 'openssl', debian: 'openssl', why: 'makes certificates for tests of TLS' },
];

/** The tools that are not on this machine. */
export function missingTools() {
  return TOOLS.filter(({ command }) => !isOnPath(command));
}

/** Whether missing tools can be installed here: Debian or a relative of it, as root. */
export function canInstallTools() {
  return existsSync('/etc/debian_version') && process.getuid?.() === 0;
}

/** Installs the tools' packages; asks for fresh package lists only when the ones at hand do not do. */
export function installTools(tools) {
  const packages = tools.map(({ debian }) => debian);
  const env = { ...ENVIRONMENT, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    runQuietly('apt-get', ['install', '-qq', '--no-install-recommends', '--yes', ...packages], { env });
  if (install() === 0) return true;
  console.log('apt-get install failed; asking for fresh package lists');
  return runQuietly('apt-get', ['update', '-qq'], { env }) === 0 && install() === 0;
}

function isOnPath(command) {
  if (command.startsWith('/')) return existsSync(command);
  return ENVIRONMENT.PATH.split(delimiter).some((folder) => isExecutable(join(folder, command)));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
