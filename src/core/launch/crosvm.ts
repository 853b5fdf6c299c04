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
 * crosvm puts its console into the kernel's command line itself.
 * https://crosvm.dev/book/devices/block.html, https://crosvm.dev/book/devices/vhost_user.html
 */
export function launchCrosvm(options: LaunchOptions): Launch {
  const { disks, readOnly, cpus, kernel, initrd, vmmWords = [] } = options;
  return command(
    ['crosvm', 'run', '--cpus', String(cpus), '--mem', String(mebibytes(options))],
    disks.flatMap((disk) => diskOption(disk, readOnly)),
    option('--initrd', initrd),
    ['--params', kernelParameters(options)],
    vmmWords,
    kernel === undefined ? [] : [kernel],
  );
}

function diskOption({ disk, name }: GuestDisk, readOnly: boolean): string[] {
  if (disk.as === 'vhost-user') return ['--vhost-user', `block,socket=${withoutComma(disk.socket, 'crosvm')}`];
  const path = withoutComma(pathOf(disk, 'crosvm'), 'crosvm');
  return ['--block', `${path}${readOnly ? ',ro' : ''},id=${name}`];
}
