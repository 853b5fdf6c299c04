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
  const { disk: given, cpus, kernel, initrd } = options;
  const shared = given.as === 'vhost-user' ? ',shared=on' : '';
  return command(
    ['cloud-hypervisor', '--cpus', `boot=${cpus}`, '--memory', `size=${mebibytes(options)}M${shared}`],
    option('--kernel', kernel),
    option('--initramfs', initrd),
    ['--cmdline', kernelParameters(options, 'console=ttyS0')],
    ['--disk', disk(options)],
    ['--serial', 'tty', '--console', 'off'],
  );
}

function disk({ disk: given, readOnly, name }: LaunchOptions): string {
  if (given.as === 'vhost-user') {
    const socket = withoutComma(given.socket, 'cloud-hypervisor');
    return `vhost_user=on,socket=${socket},num_queues=1,queue_size=128,id=${name}`;
  }
  const path = withoutComma(pathOf(given, 'cloud-hypervisor'), 'cloud-hypervisor');
  return `path=${path},readonly=${readOnly ? 'on' : 'off'},image_type=raw,id=${name}`;
}
