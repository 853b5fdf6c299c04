import type { GuestDisk } from './disk.ts';
import { command, kernelParameters, type Launch, type LaunchOptions, mebibytes, withoutComma } from './launch.ts';

/** How long its NBD client waits for an answer before it connects again, in milliseconds. */
const TIMEOUT = 3000;

/**
 * vfkit, the command line of macOS's Virtualization.framework; its NBD client needs macOS 14.
 * https://github.com/crc-org/vfkit/blob/main/doc/usage.md
 */
export function launchVfkit(options: LaunchOptions): Launch {
  return command(
    ['vfkit'],
    ['--cpus', String(options.cpus), '--memory', String(mebibytes(options))],
    ['--bootloader', bootloader(options)],
    options.disks.flatMap((disk) => ['--device', device(disk, options.readOnly)]),
    ['--device', 'virtio-serial,stdio'],
    options.vmmWords ?? [],
  );
}

function bootloader(options: LaunchOptions): string {
  const { kernel, initrd, folder } = options;
  if (kernel === undefined) return `efi,variable-store=${comma(`${folder}/efi-variables`)},create`;
  const files =
    initrd === undefined ? [`kernel=${comma(kernel)}`] : [`kernel=${comma(kernel)}`, `initrd=${comma(initrd)}`];
  return ['linux', ...files, `cmdline="${comma(kernelParameters(options, 'console=hvc0'))}"`].join(',');
}

function device({ disk, name }: GuestDisk, readOnly: boolean): string {
  const mode = readOnly ? ',readonly' : '';
  switch (disk.as) {
    case 'nbd':
      return `nbd,uri=${comma(disk.uri)},deviceId=${name},timeout=${TIMEOUT},sync=full${mode}`;
    case 'vhost-user':
      return comma(disk.as);
    default:
      return `virtio-blk,path=${comma(disk.path)},deviceId=${name}${mode}`;
  }
}

const comma = (value: string): string => withoutComma(value, 'vfkit');
