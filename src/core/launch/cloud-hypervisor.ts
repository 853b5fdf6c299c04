import type { GuestDisk } from './disk.ts';
import {
  command,
  kernelParameters,
  type Launch,
  type LaunchOptions,
  mebibytes,
  option,
  pathOf,
  withoutComma,
} from './launch.ts';

/**
 * cloud-hypervisor: memory is shared with a vhost-user device; the type of a file is told, for it would guess it from bytes that
 * a guest may have written. https://github.com/cloud-hypervisor/cloud-hypervisor, vmm/src/config.rs
 */
export function launchCloudHypervisor(options: LaunchOptions): Launch {
  const { disks, readOnly, cpus, kernel, initrd, vmmWords = [] } = options;
  const shared = disks.some(({ disk }) => disk.as === 'vhost-user') ? ',shared=on' : '';
  return command(
    ['cloud-hypervisor', '--cpus', `boot=${cpus}`, '--memory', `size=${mebibytes(options)}M${shared}`],
    option('--kernel', kernel),
    option('--initramfs', initrd),
    ['--cmdline', kernelParameters(options, 'console=ttyS0')],
    ['--disk', ...disks.map((disk) => diskValue(disk, readOnly))],
    ['--serial', 'tty', '--console', 'off'],
    vmmWords,
  );
}

function diskValue({ disk, name }: GuestDisk, readOnly: boolean): string {
  if (disk.as === 'vhost-user') {
    const socket = withoutComma(disk.socket, 'cloud-hypervisor');
    return `vhost_user=on,socket=${socket},num_queues=1,queue_size=128,id=${name}`;
  }
  const path = withoutComma(pathOf(disk, 'cloud-hypervisor'), 'cloud-hypervisor');
  return `path=${path},readonly=${readOnly ? 'on' : 'off'},image_type=raw,id=${name}`;
}
