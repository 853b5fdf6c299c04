import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type CpioEntry, makeCpio } from './cpio-writer.ts';
import { keepMade } from './debian.ts';
import { Dialogue } from './dialogue.ts';
import { programFiles } from './program.ts';
import { scratch } from './scratch.ts';
import { requireTools, run, skipped } from './tools.ts';

/** What a machine with virtio disks needs beside the kernel itself, in the order of loading. */
const MODULES = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci',
  'drivers/virtio/virtio_mmio',
  'drivers/block/virtio_blk',
] as const;

/** What a machine needs for dm-verity, in the order of loading. */
const VERITY_MODULES = [
  'lib/reed_solomon/reed_solomon',
  'drivers/md/dm-mod',
  'drivers/md/dm-bufio',
  'drivers/md/dm-verity',
] as const;

/** What a machine needs for NVDIMMs, in the order of loading. */
const NVDIMM_MODULES = [
  'drivers/nvdimm/libnvdimm',
  'drivers/acpi/nfit/nfit',
  'drivers/nvdimm/nd_btt',
  'drivers/nvdimm/nd_pmem',
] as const;

/** What a machine needs to mount FAT, in the order of loading. */
const FAT_MODULES = ['fs/nls/nls_cp437', 'fs/nls/nls_ascii', 'fs/fat/fat', 'fs/fat/vfat'] as const;

/** What a machine needs to run others on a processor of AMD, in the order of loading. */
const KVM_MODULES = ['virt/lib/irqbypass', 'arch/x86/kvm/kvm', 'arch/x86/kvm/kvm-amd'] as const;

const ALL_MODULES = [...MODULES, ...VERITY_MODULES, ...NVDIMM_MODULES, ...FAT_MODULES];

/** What a guest has beside busybox. */
export interface GuestExtras {
  /** Whether it knows FAT. */
  readonly hasFat?: boolean;
  /** Whether it knows NVDIMMs. */
  readonly hasNvdimm?: boolean;
  /** Whether it can map devices with dm-verity. */
  readonly hasVerity?: boolean;
  /** Whether it has KVM, on a processor of AMD that has SVM. */
  readonly hasKvm?: boolean;
  /** Programs of this host. */
  readonly programs?: readonly string[];
}

/** Runs the script, and tells how it ended. */
export const GUEST_INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /mnt
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
stty -echo
for module in /modules/*; do insmod "$module"; done
echo "== start"
sh -e /script
echo "== status $?"
poweroff -f
`;

/** The command line of a guest's kernel. */
export const GUEST_PARAMETERS = 'console=ttyS0 quiet panic=-1';

/** How long a guest may take to say what is waited for, in milliseconds. */
const PATIENCE = 60_000;

/** A virtual machine with Debian's kernel and busybox whose disk is /dev/vda; its processor is emulated. */
export class Guest extends Dialogue {
  /** Runs a shell script in a new guest with the disk that arguments of QEMU describe. It is gone when the test ends. */
  constructor(disk: readonly string[], script: string, extras: GuestExtras = {}) {
    const { kernel, initrd } = guestFiles(script, extras);
    const machine = ['-accel', 'tcg', '-m', '256', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];
    const boot = ['-kernel', kernel, '-initrd', initrd, '-append', GUEST_PARAMETERS];
    super(spawn('qemu-system-x86_64', [...machine, ...boot, '-serial', 'stdio', ...disk], { stdio: 'pipe' }), PATIENCE);
  }

  /** What the script printed, once it has ended with success. */
  async output(): Promise<string> {
    return printedIn(await this.says(PRINTED));
  }
}

const PRINTED = /== start\n([^]*)== status (\d+)\n/;

/** What the script printed, once it has ended with success, by what the guest said. Throws what it said instead. */
export function guestOutput(console: string): string {
  const said = PRINTED.exec(console.replaceAll('\r', ''));
  if (said === null) throw new Error(`the guest's script did not end:\n${console}`);
  return printedIn(said);
}

function printedIn([, printed = '', status]: RegExpMatchArray): string {
  if (status !== '0') throw new Error(`the guest's script ended with ${status}:\n${printed}`);
  return printed;
}

/** A kernel, and an initial RAM disk that runs a shell script, until the test ends. */
export function guestFiles(script: string, extras: GuestExtras = {}): { kernel: string; initrd: string } {
  const system = guestSystem();
  const initrd = join(scratch(), 'initramfs');
  writeFileSync(initrd, initramfsOf(system, script, extras));
  return { kernel: join(system, 'vmlinuz'), initrd };
}

/** Whether guests can be started here; says why not. Where CI is set that is an error. */
export function canStartGuests(): boolean {
  if (skipped(process.arch !== 'x64', 'the kernel of guests is for amd64')) return false;
  if (!requireTools('qemu-system-x86_64', 'apt-get', 'apt-cache', 'dpkg-deb')) return false;
  try {
    guestSystem();
    return true;
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return !skipped(true, `no kernel for guests: ${String(error).slice(0, 500)}`);
  }
}

/** Debian's kernel for guests: its file, beside which `../lib/modules` has all its modules as the package does, without depmod's lists. */
export function debianKernel(): string {
  const boot = join(guestSystem(), 'boot');
  return join(boot, readdirSync(boot).find((name) => name.startsWith('vmlinuz-')) ?? '');
}

/** A directory with `vmlinuz`, `busybox` and `modules/` of Debian's packages, which are not installed; and `boot` and `lib` of the kernel's. */
function guestSystem(): string {
  const depends = run('apt-cache', ['depends', '--important', 'linux-image-cloud-amd64']).toString();
  const kernel = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (kernel === undefined) throw new Error('apt knows no linux-image-cloud-amd64; apt-get update');
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-guest-'));
  try {
    const modules = createHash('sha256').update(ALL_MODULES.join()).digest('hex').slice(0, 8);
    return keepMade('guest-', `guest-all-${kernel}-${modules}`, () => download(kernel, directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function download(kernel: string, directory: string): string {
  run('apt-get', ['-qq', 'download', kernel, 'busybox-static'], { cwd: directory });
  for (const file of readdirSync(directory)) run('dpkg-deb', ['-x', file, 'packages'], { cwd: directory });
  const release = kernel.replace('linux-image-', '');
  const packages = join(directory, 'packages');
  const made = join(directory, 'guest');
  mkdirSync(join(made, 'modules'), { recursive: true });
  copyFileSync(join(packages, 'boot', `vmlinuz-${release}`), join(made, 'vmlinuz'));
  copyFileSync(join(packages, 'bin/busybox'), join(made, 'busybox'));
  const folder = join(packages, 'lib/modules', release, 'kernel');
  for (const module of ALL_MODULES)
    copyFileSync(join(folder, `${module}.ko`), join(made, 'modules', basename(`${module}.ko`)));
  for (const name of ['boot', 'lib']) renameSync(join(packages, name), join(made, name));
  return made;
}

function initramfsOf(system: string, script: string, extras: GuestExtras): Buffer {
  const { hasVerity = false, hasNvdimm = false, hasFat = false, hasKvm = false, programs = [] } = extras;
  const file = (name: string, path: string): CpioEntry => ({ name, mode: 0o100755, data: readFileSync(path) });
  const modules = [
    ...MODULES,
    ...(hasVerity ? VERITY_MODULES : []),
    ...(hasNvdimm ? NVDIMM_MODULES : []),
    ...(hasFat ? FAT_MODULES : []),
  ];
  const entries = programs.flatMap((path) => programFiles(path));
  const folders = new Set(entries.flatMap(({ name }) => foldersOf(name)).filter((name) => name !== 'bin'));
  return makeCpio([
    { name: 'bin', mode: 0o040755 },
    file('bin/busybox', join(system, 'busybox')),
    { name: 'init', mode: 0o100755, data: Buffer.from(GUEST_INIT) },
    { name: 'script', mode: 0o100644, data: Buffer.from(script) },
    { name: 'modules', mode: 0o040755 },
    ...modules.map((module, i) => file(`modules/${10 + i}.ko`, join(system, 'modules', basename(`${module}.ko`)))),
    ...(hasKvm ? KVM_MODULES : []).map((module, i) => file(`modules/${90 + i}.ko`, packagedModule(system, module))),
    ...Array.from(folders, (name) => ({ name, mode: 0o040755 })),
    ...entries.map(({ name, data }) => ({ name, mode: 0o100755, data })),
  ]);
}

/** One of all modules of the kernel's package. */
function packagedModule(system: string, module: string): string {
  const modules = join(system, 'lib/modules');
  return join(modules, readdirSync(modules)[0] ?? '', 'kernel', `${module}.ko`);
}

/** The folders that a path is in, from the outermost. */
function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, i) => names.slice(0, i + 1).join('/'));
}
