import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dialogue } from './dialogue.ts';
import { scratch } from './scratch.ts';

/** QEMU with UEFI firmware: its code, and the variables that it begins with. */
interface Machine {
  readonly program: string;
  readonly args: readonly string[];
  readonly firmware: readonly [string, string];
}

const MACHINES = {
  amd64: {
    program: 'qemu-system-x86_64',
    args: [],
    firmware: ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'],
  },
  arm64: {
    program: 'qemu-system-aarch64',
    args: ['-machine', 'virt', '-cpu', 'max,pauth-impdef=on'],
    firmware: ['/usr/share/AAVMF/AAVMF_CODE.fd', '/usr/share/AAVMF/AAVMF_VARS.fd'],
  },
} as const satisfies Record<string, Machine>;

export type Architecture = keyof typeof MACHINES;

/** What is needed to start such a machine. */
export const machineTools = (architecture: Architecture): readonly string[] => {
  const { program, firmware } = MACHINES[architecture];
  return [program, ...firmware];
};

/** How long firmware and a system may take on a busy machine, in milliseconds; mostly it is half a minute. */
export const PATIENCE = 240_000;

const BARE = ['-accel', 'tcg', '-m', '1024', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];

/** A machine with UEFI firmware that has that disk, a `-drive` of QEMU, and nothing else; the dialogue is with its serial line. */
export function firmwareMachine(drive: string, architecture: Architecture = 'amd64'): Dialogue {
  const [code, initial] = MACHINES[architecture].firmware;
  const variables = join(scratch(), 'variables.fd');
  copyFileSync(initial, variables);
  const pflash = [`${code},readonly=on`, variables].flatMap((file) => ['-drive', `if=pflash,format=raw,file=${file}`]);
  return machine(architecture, pflash, drive);
}

/** The same without firmware: its kernel is loaded by QEMU. */
export function kernelMachine(drive: string, kernel: string, initrd: string, parameters: string): Dialogue {
  return machine('amd64', ['-kernel', kernel, '-initrd', initrd, '-append', parameters], drive);
}

function machine(architecture: Architecture, boot: readonly string[], drive: string): Dialogue {
  const { program, args } = MACHINES[architecture];
  const disk = ['-drive', `${drive},format=raw,if=virtio`, '-serial', 'stdio'];
  return new Dialogue(spawn(program, [...BARE, ...args, ...boot, ...disk], { stdio: 'pipe' }), PATIENCE);
}
