import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpioArchive, type CpioEntry, CpioType } from '../../src/core/cpio/newc.ts';
import type { LoadedModule } from '../../src/core/guest/initramfs.ts';
import { QEMU_SYSTEMS, qemuArguments, type QemuDisk } from '../../src/core/launch/qemu.ts';

/** What a guest does with its tree, by name: shell commands. Caches are dropped before each. */
export const WORKLOADS: Readonly<Record<string, string>> = {
  find: 'find /mnt -xdev',
  'tar to /dev/null': 'tar -cf - -C /mnt .',
  '300 random reads of 4 KiB': 'random_reads 300',
};

/** What one guest took, in milliseconds. */
export interface GuestTimes {
  /** From the start of QEMU until the guest's first program has mounted the tree and read a file of it. */
  readonly boot: number;
  readonly mount: number;
  /** By name of WORKLOADS. */
  readonly workloads: Readonly<Record<string, number>>;
}

/** What a guest is made of. */
export interface GuestParts {
  readonly kernel: string;
  readonly busybox: Uint8Array;
  readonly modules: readonly LoadedModule[];
  readonly mount: string;
  readonly disks: readonly QemuDisk[];
  readonly args: readonly string[];
  readonly accelerator: 'kvm' | 'tcg';
}

const MEMORY = 512 * 2 ** 20;
const LIMIT_MILLISECONDS = 900_000;

/** Random reads are of the largest files, at places that are the same every time. */
function script(mount: string): string {
  const measured = Object.values(WORKLOADS).map((command, i) => `measure ${i} ${command}`);
  return `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /mnt
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module; done
now() { read -r seconds rest </proc/uptime; echo "$seconds"; }
measure() {
  name=$1; shift
  echo 3 >/proc/sys/vm/drop_caches
  from=$(now); "$@" >/dev/null; echo "== $name $from $(now)"
}
random_reads() {
  count=0
  for file in $(find /mnt -xdev -type f -size +64k | head -n "$1"); do
    dd if="$file" of=/dev/null bs=4k count=1 skip=$((count * 7 % 16)) 2>/dev/null; count=$((count + 1))
  done
}
measure mount ${mount}
cat "$(find /mnt -xdev -type f | head -n 1)" >/dev/null; echo "== first"
${measured.join('\n')}
echo "== end"
poweroff -f
`;
}

/** Boots a guest that measures, and returns what it found. Throws what it said when that is not all. */
export async function measureGuest(folder: string, parts: GuestParts): Promise<GuestTimes> {
  const initrd = join(folder, 'guest-initramfs');
  writeFileSync(initrd, initramfs(parts));
  const { kernel, disks, accelerator } = parts;
  const guest = { architecture: 'amd64', machine: 'default', memory: MEMORY, cpus: 1 } as const;
  const append = 'console=ttyS0 quiet panic=-1 rdinit=/init';
  const args = [...qemuArguments({ ...guest, accelerator, kernel, initrd, append, disks }), ...parts.args];
  const start = performance.now();
  const child = spawn(QEMU_SYSTEMS.amd64.program, [...args, '-serial', 'stdio'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLISECONDS);
  let said = '';
  let boot = Number.NaN;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1').replaceAll('\r', '');
    if (Number.isNaN(boot) && said.includes('== first\n')) boot = performance.now() - start;
  });
  await once(child, 'close');
  clearTimeout(timer);
  if (!said.includes('== end\n')) throw new Error(`the guest did not finish:\n${said.slice(-2000)}`);
  const milliseconds = (name: string): number => {
    const [, from, to] = new RegExp(`^== ${name} ([\\d.]+) ([\\d.]+)$`, 'm').exec(said) ?? [];
    return (Number(to) - Number(from)) * 1000;
  };
  const workloads = Object.fromEntries(Object.keys(WORKLOADS).map((name, i) => [name, milliseconds(String(i))]));
  return { boot, mount: milliseconds('mount'), workloads };
}

function initramfs({ busybox, modules, mount }: GuestParts): Uint8Array {
  const folder = (path: string): CpioEntry => ({ path, mode: CpioType.directory | 0o755 });
  const file = (path: string, data: Uint8Array): CpioEntry => ({ path, mode: CpioType.file | 0o755, data });
  return cpioArchive([
    folder('bin'),
    file('bin/busybox', busybox),
    folder('dev'),
    { path: 'dev/console', mode: CpioType.character | 0o600, device: [5, 1] },
    file('init', Buffer.from(script(mount))),
    folder('modules'),
    ...modules.map(({ name, bytes }, i) => file(`modules/${100 + i}-${name}.ko`, bytes)),
  ]);
}
