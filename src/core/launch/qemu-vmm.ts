import { ImageError } from '../errors.ts';
import type { Disk } from './disk.ts';
import { command, kernelParameters, type Launch, type LaunchOptions } from './launch.ts';
import { QEMU_SYSTEMS, type QemuDiskSource, type QemuMachine, qemuArguments } from './qemu.ts';

/** QEMU, with the guest's console at the terminal: C-a x ends it. qemu(1) */
export function launchQemu(machine: QemuMachine, options: LaunchOptions): Launch {
  const { architecture, accelerator, memory, cpus, kernel, initrd, readOnly, vmmWords = [] } = options;
  if (machine === 'microvm' && architecture !== 'amd64')
    throw new ImageError('option-invalid', `QEMU has a microvm for amd64, not for ${architecture}`);
  const system = QEMU_SYSTEMS[architecture];
  const append = kernel === undefined ? undefined : kernelParameters(options, `console=${system.console}`);
  const disks = options.disks.map(({ disk, name }) => ({ source: qemuSourceOf(disk), serial: name, readOnly }));
  const guest = { architecture, machine, accelerator, memory, cpus, kernel, initrd, append, disks };
  return command([system.program], qemuArguments(guest), ['-serial', 'mon:stdio'], vmmWords);
}

/** A disk as QEMU opens it. */
export function qemuSourceOf(disk: Disk): QemuDiskSource {
  switch (disk.as) {
    case 'nbd':
      return { kind: 'nbd', socket: disk.socket, exportName: disk.exportName };
    case 'vhost-user':
      return { kind: 'vhost-user', socket: disk.socket };
    case 'nbd-device':
      return { kind: 'device', path: disk.path };
    default:
      return { kind: 'file', path: disk.path };
  }
}
