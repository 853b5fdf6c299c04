import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { type QemuArchitecture, qemuArguments } from '../core/launch/qemu.ts';
import { Guard } from '../process/guard.ts';
import { readIfPresent, writeWhole } from '../sources/store/cache-directory.ts';

/** What runs a guest's instructions: the host's processor, or QEMU. */
export type Accelerator = 'kvm' | 'tcg';

/** What KVM is tried with. */
export interface AcceleratorTrial {
  readonly program: string;
  readonly architecture: QemuArchitecture;
  /** The path of the kernel that is to be booted. */
  readonly kernel: string;
  /** What the kernel is known by where its path is another every time. */
  readonly kernelName: string;
  /** Where the outcome is kept; nowhere without. */
  readonly cache: string | undefined;
  readonly onWarning: (warning: string) => void;
}

const KVM = '/dev/kvm';
/** With KVM a kernel without a root filesystem has given up after less than a second, or after two inside another guest. */
const TRIAL_MILLISECONDS = 6000;
const TRIAL_MEMORY = 256 * 2 ** 20;

/**
 * KVM where it starts guests, else TCG. That /dev/kvm can be opened says little: inside other guests there are hosts whose KVM runs
 * no kernel. So the kernel itself is booted without a disk, which must end by its panic. The outcome is kept for as long as the host is up.
 */
export async function chooseAccelerator(trial: AcceleratorTrial, device: string = KVM): Promise<Accelerator> {
  if (!canOpenKvm(device)) return 'tcg';
  const path = trial.cache === undefined ? undefined : join(trial.cache, 'accelerators', nameOf(trial));
  const known = path === undefined ? undefined : readIfPresent(path)?.toString();
  if (known === 'kvm' || known === 'tcg') return known;
  const found = (await startsGuest(trial)) ? 'kvm' : 'tcg';
  if (found === 'tcg') {
    trial.onWarning(`${device} is there, but the kernel does not start with it: QEMU emulates the processor`);
  }
  if (trial.cache !== undefined && path !== undefined) keep(trial.cache, path, found);
  return found;
}

/** Whether this user may use the KVM of this host, which says little of whether it works. */
export function canOpenKvm(device: string = KVM): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the outcome may depend on: the host and since when it is up, QEMU, and the kernel. */
function nameOf({ program, kernelName }: AcceleratorTrial): string {
  const { mtimeMs, size } = statSync(program);
  const boot = readIfPresent('/proc/sys/kernel/random/boot_id')?.toString() ?? '';
  const text = JSON.stringify([release(), boot, program, mtimeMs, size, kernelName]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

async function startsGuest({ program, architecture, kernel }: AcceleratorTrial): Promise<boolean> {
  const args = qemuArguments({
    architecture,
    machine: 'default',
    accelerator: 'kvm',
    memory: TRIAL_MEMORY,
    cpus: 1,
    kernel,
    append: 'panic=-1 quiet',
    disks: [],
  });
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const guard = new Guard();
  guard.holds(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), TRIAL_MILLISECONDS);
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  clearTimeout(timer);
  guard.dismiss();
  return status === 0;
}

/** What cannot be kept is found out again. */
function keep(cache: string, path: string, found: Accelerator): void {
  try {
    writeWhole(cache, path, found);
  } catch {
    // The cache is not there for this user.
  }
}
