import type { Disk, GuestDisk } from '../../src/core/launch/disk.ts';
import type { LaunchOptions } from '../../src/core/launch/launch.ts';

/** A disk alone. */
export const oneDisk = (disk: Disk, filesystem?: string): GuestDisk[] => [{ name: 'disk', disk, filesystem }];

/** Files as disks of these names. */
export const fileDisks = (...names: string[]): GuestDisk[] =>
  names.map((name) => ({ name, disk: { as: 'file', path: `/d/${name}.img` } }));

/** What a VMM is to run, with a file as its disk. */
export const LAUNCH: LaunchOptions = {
  disks: fileDisks('disk'),
  readOnly: false,
  kernel: '/k/app',
  memory: 256 << 20,
  cpus: 2,
  architecture: 'amd64',
  accelerator: 'tcg',
  folder: '/d',
};
