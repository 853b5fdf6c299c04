import { ImageError } from '../errors.ts';
import {
  attachRumprunImages,
  defaultRumprun,
  encodeRumprun,
  readRumprun,
  rumprunCommandLine,
  type RumprunConfiguration,
  rumprunImages,
} from '../manifest/rumprun.ts';
import { xenConfiguration, xenDisks } from '../manifest/xen.ts';
import { checkFilesystems, type Launch, type LaunchOptions, mebibytes, pathOf } from './launch.ts';
import { qemuSourceOf } from './qemu-vmm.ts';
import { launchLegacyQemu } from './legacy-qemu.ts';

/** A Rumprun unikernel in QEMU: its configuration is the kernel's command line. https://github.com/rumpkernel/rumprun/blob/master/app-tools/rumprun */
export function launchRumprun(options: LaunchOptions): Launch {
  const { kernel = '', disks } = options;
  const text = rumprunCommandLine(attachRumprunImages(configurationOf(options), 'hw'), kernel);
  return launchLegacyQemu(
    options,
    disks.map(({ disk }) => qemuSourceOf(disk)),
    text,
  );
}

/** A Rumprun unikernel as a guest of Xen: its configuration is in the store before it runs. */
export function launchRumprunXen(options: LaunchOptions): Launch {
  const { folder, kernel = '', disks, readOnly, cpus, vmmWords = [] } = options;
  const domain = `rumprun-${disks[0]?.name}`;
  const text = xenConfiguration({
    name: domain,
    type: 'pv',
    kernel,
    memory: mebibytes(options),
    cpus,
    disks: xenDisks(
      disks.map(({ disk }) => pathOf(disk, 'Xen')),
      readOnly,
    ),
  });
  const configuration = encodeRumprun(attachRumprunImages(configurationOf(options), 'xen'));
  const files = [
    { path: `${folder}/xl.cfg`, text },
    { path: `${folder}/rumprun.json`, text: `${configuration}\n` },
  ];
  return { argv: ['sh', '-ec', START, 'sh', domain, folder, ...vmmWords], files };
}

/** Created but not begun, a domain has a number, by which the store knows it. */
const START =
  'name=$1; folder=$2; shift 2; xl create -p "$folder/xl.cfg" "$@"; id=$(xl domid "$name"); ' +
  'xenstore-write "/local/domain/$id/rumprun/cfg" "$(cat "$folder/rumprun.json")"; xl unpause "$id"; xl console "$id"';

/** The configuration that is given, with an entry for each image, or one that mounts the image. */
function configurationOf(options: LaunchOptions): RumprunConfiguration {
  checkFilesystems(options, 'Rumprun', 'ext2');
  const { configuration, kernel = '', append, disks } = options;
  if (configuration === undefined && disks.length > 1)
    throw new ImageError('option-invalid', `--config is missing, which says where ${disks.length} images are mounted`);
  if (configuration === undefined) return defaultRumprun(append ?? kernel.slice(kernel.lastIndexOf('/') + 1));
  if (append !== undefined) throw new ImageError('option-invalid', '--append beside --config, which has "cmdline"');
  const read = readRumprun(configuration.bytes, configuration.name);
  const images = rumprunImages(read);
  if (images.length === disks.length) return read;
  throw new ImageError(
    'option-invalid',
    `${configuration.name}: entries for ${images.length} images, expected ${disks.length}, as many as are attached`,
  );
}
