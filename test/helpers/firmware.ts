import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dialogue } from './dialogue.ts';
import { scratch } from './scratch.ts';

/** UEFI firmware: its code and the variables that it begins with. */
export const FIRMWARE = ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'] as const;

/** How long firmware and a system may take on a busy machine, in milliseconds; mostly it is half a minute. */
export const PATIENCE = 240_000;

const MACHINE = ['-accel', 'tcg', '-m', '1024', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];

/** A machine with UEFI firmware that has that disk, a `-drive` of QEMU, and nothing else; the dialogue is with its serial line. */
export function firmwareMachine(drive: string): Dialogue {
  const variables = join(scratch(), 'variables.fd');
  copyFileSync(FIRMWARE[1], variables);
  const pflash = [`${FIRMWARE[0]},readonly=on`, variables].flatMap((file) => [
    '-drive',
    `if=pflash,format=raw,file=${file}`,
  ]);
  const disk = ['-drive', `${drive},format=raw,if=virtio`, '-serial', 'stdio'];
  return new Dialogue(spawn('qemu-system-x86_64', [...MACHINE, ...pflash, ...disk], { stdio: 'pipe' }), PATIENCE);
}

/** The same without firmware: its kernel is loaded by QEMU. */
export function kernelMachine(drive: string, kernel: string, initrd: string, parameters: string): Dialogue {
  const boot = ['-kernel', kernel, '-initrd', initrd, '-append', parameters];
  const disk = ['-drive', `${drive},format=raw,if=virtio`, '-serial', 'stdio'];
  return new Dialogue(spawn('qemu-system-x86_64', [...MACHINE, ...boot, ...disk], { stdio: 'pipe' }), PATIENCE);
}
