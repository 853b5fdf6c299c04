import { ImageError } from '../errors.ts';
import type { GuestDisk } from './disk.ts';
import { type Launch, kernelParameters, type LaunchOptions, mebibytes, pathOf } from './launch.ts';

/**
 * Firecracker, by a configuration file. Whether a vhost-user device is read-only is its bridge's to say, and so is its cache.
 * https://github.com/firecracker-microvm/firecracker/blob/main/docs/getting-started.md, api_requests/block-vhost-user.md
 */
export function launchFirecracker(options: LaunchOptions): Launch {
  const { disks, readOnly, folder, cpus, kernel, initrd, vmmWords = [] } = options;
  const path = `${folder}/firecracker.json`;
  refuseSameIdentifiers(disks);
  const configuration = {
    'boot-source': {
      kernel_image_path: kernel,
      initrd_path: initrd,
      boot_args: kernelParameters(options, 'console=ttyS0', 'reboot=k', 'panic=1', 'pci=off'),
    },
    drives: disks.map((disk) => drive(disk, readOnly)),
    'machine-config': { vcpu_count: cpus, mem_size_mib: mebibytes(options) },
  };
  return {
    argv: ['firecracker', '--no-api', '--config-file', path, ...vmmWords],
    files: [{ path, text: `${JSON.stringify(configuration, null, 2)}\n` }],
  };
}

/** Identifiers have no hyphen there. */
const identifierOf = ({ name }: GuestDisk): string => name.replaceAll('-', '_');

function refuseSameIdentifiers(disks: readonly GuestDisk[]): void {
  if (new Set(disks.map(identifierOf)).size === disks.length) return;
  throw new ImageError('option-invalid', 'firecracker has no - in names of disks, and does not tell it from _');
}

/** Not as root device: it would put that into the command line, which names it already. */
function drive(guestDisk: GuestDisk, readOnly: boolean): object {
  const { disk } = guestDisk;
  const common = { drive_id: identifierOf(guestDisk), is_root_device: false };
  if (disk.as === 'vhost-user') return { ...common, socket: disk.socket };
  return {
    ...common,
    path_on_host: pathOf(disk, 'firecracker'),
    is_read_only: readOnly,
    // Nobody misses what a guest flushes of a disk that is gone with it, or that it cannot write.
    cache_type: readOnly ? 'Unsafe' : 'Writeback',
    io_engine: 'Sync',
  };
}
