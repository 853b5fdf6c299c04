import { addIncludeosDrives } from '../manifest/includeos.ts';
import type { Disk } from './disk.ts';
import { checkFilesystems, type Launch, type LaunchOptions, mebibytes, pathOf } from './launch.ts';

/** IncludeOS's vmrunner, which hands the place of a drive to QEMU as it is. https://github.com/includeos/vmrunner */
export function launchIncludeos(options: LaunchOptions): Launch {
  checkFilesystems(options, 'IncludeOS', 'vfat');
  const { configuration, folder, kernel = '', append, disks, vmmWords = [] } = options;
  const path = `${folder}/vm.json`;
  const { bytes, name } = configuration ?? { name: 'vm.json', bytes: defaultOf(options) };
  const text = addIncludeosDrives(
    bytes,
    name,
    disks.map(({ disk }) => placeOf(disk)),
  );
  const argv = ['boot', '-j', path, ...vmmWords, kernel, ...(append === undefined ? [] : [append])];
  return { argv, files: [{ path, text }] };
}

const placeOf = (disk: Disk): string => (disk.as === 'nbd' ? disk.uri : pathOf(disk, 'includeos'));

const defaultOf = (options: LaunchOptions): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ mem: mebibytes(options) }));
