import { command, type Launch, type LaunchOptions, mebibytes } from './launch.ts';
import { qemuDisks, type QemuDiskSource } from './qemu.ts';

/** QEMU as unikernels know it: a PC of the old kind, whose disks they drive as virtio was before version 1. */
export function launchLegacyQemu(
  options: LaunchOptions,
  sources: readonly QemuDiskSource[],
  append: string | undefined,
): Launch {
  const { accelerator, readOnly, kernel = '', vmmWords = [] } = options;
  const processor = accelerator === 'kvm' ? 'host' : 'Westmere';
  const disks = sources.map((source) => ({ source, readOnly }));
  return command(
    ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'mon:stdio'],
    ['-machine', 'pc,acpi=off', '-accel', accelerator, '-cpu', processor, '-m', `${mebibytes(options)}M`],
    qemuDisks(disks, 'pci'),
    ['-kernel', kernel, ...(append === undefined ? [] : ['-append', append])],
    vmmWords,
  );
}
