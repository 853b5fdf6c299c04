import { xenConfiguration } from '../manifest/xen.ts';
import { type Launch, type LaunchOptions, mebibytes, pathOf } from './launch.ts';

/** A guest of Xen without devices of a PC (PVH). xl.cfg(5) */
export function launchXen(options: LaunchOptions): Launch {
  const { folder, kernel = '', initrd, append, disk, readOnly, cpus, name } = options;
  const path = `${folder}/xl.cfg`;
  const text = xenConfiguration({
    name,
    type: 'pvh',
    kernel,
    initrd,
    append: append ?? `console=hvc0 root=/dev/xvda ${readOnly ? 'ro' : 'rw'}`,
    memory: mebibytes(options),
    cpus,
    disks: [{ target: pathOf(disk, 'Xen'), vdev: 'xvda', isReadOnly: readOnly }],
  });
  return { argv: ['xl', 'create', '-c', path], files: [{ path, text }] };
}
