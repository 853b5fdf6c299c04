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
import { xenConfiguration } from '../manifest/xen.ts';
import { checkFilesystem, type Launch, type LaunchOptions, mebibytes, pathOf } from './launch.ts';
import { qemuSourceOf } from './qemu-vmm.ts';
import { launchLegacyQemu } from './legacy-qemu.ts';

/** A Rumprun unikernel in QEMU: its configuration is the kernel's command line. https://github.com/rumpkernel/rumprun/blob/master/app-tools/rumprun */
export function launchRumprun(options: LaunchOptions): Launch {
  const { kernel = '', disk } = options;
  const text = rumprunCommandLine(attachRumprunImages(configurationOf(options), 'hw'), kernel);
  return launchLegacyQemu(options, [qemuSourceOf(disk)], text);
}

/** A Rumprun unikernel as a guest of Xen: its configuration is in the store before it runs. */
export function launchRumprunXen(options: LaunchOptions): Launch {
  const { folder, kernel = '', disk, readOnly, cpus, name } = options;
  const domain = `rumprun-${name}`;
  const target = pathOf(disk, 'Xen');
  const text = xenConfiguration({
    name: domain,
    type: 'pv',
    kernel,
    memory: mebibytes(options),
    cpus,
    disks: [{ target, vdev: 'xvda', isReadOnly: readOnly }],
  });
  const configuration = encodeRumprun(attachRumprunImages(configurationOf(options), 'xen'));
  const files = [
    { path: `${folder}/xl.cfg`, text },
    { path: `${folder}/rumprun.json`, text: `${configuration}\n` },
  ];
  return { argv: ['sh', '-ec', START, 'sh', domain, folder], files };
}

/** Created but not begun, a domain has a number, by which the store knows it. */
const START =
  'xl create -p "$2/xl.cfg"; id=$(xl domid "$1"); ' +
  'xenstore-write "/local/domain/$id/rumprun/cfg" "$(cat "$2/rumprun.json")"; xl unpause "$id"; xl console "$id"';

/** The configuration that is given, with one image in it, or one that mounts the image. */
function configurationOf(options: LaunchOptions): RumprunConfiguration {
  checkFilesystem(options, 'Rumprun', 'ext2');
  const { configuration, kernel = '', append } = options;
  if (configuration === undefined) return defaultRumprun(append ?? kernel.slice(kernel.lastIndexOf('/') + 1));
  if (append !== undefined) throw new ImageError('option-invalid', '--append beside --config, which has "cmdline"');
  const read = readRumprun(configuration.bytes, configuration.name);
  const images = rumprunImages(read);
  if (images.length === 1) return read;
  throw new ImageError('option-invalid', `${configuration.name}: ${images.length} images, expected one, the attached`);
}
