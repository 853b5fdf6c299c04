import type { LaunchOptions } from '../../src/core/launch/launch.ts';

/** What a VMM is to run, with a file as its disk. */
export const LAUNCH: LaunchOptions = {
  disk: { as: 'file', path: '/d/disk.img' },
  readOnly: false,
  name: 'disk',
  kernel: '/k/app',
  memory: 256 << 20,
  cpus: 2,
  architecture: 'amd64',
  accelerator: 'tcg',
  folder: '/d',
};
