import { xenConfiguration, xenDisks } from '../manifest/xen.ts';
import { type Launch, type LaunchOptions, mebibytes, pathOf, rootParameters } from './launch.ts';

/** A guest of Xen without devices of a PC (PVH). xl.cfg(5) */
export function launchXen(options: LaunchOptions): Launch {
  const { folder, kernel = '', initrd, append, disks, readOnly, cpus, vmmWords = [] } = options;
  const path = `${folder}/xl.cfg`;
  const text = xenConfiguration({
    name: disks[0]?.name ?? '',
    type: 'pvh',
    kernel,
    initrd,
    append: append ?? `console=hvc0 ${rootParameters(options, '/dev/xvda')}`,
    memory: mebibytes(options),
    cpus,
    disks: xenDisks(
      disks.map(({ disk }) => pathOf(disk, 'Xen')),
      readOnly,
    ),
  });
  return { argv: ['xl', 'create', '-c', path, ...vmmWords], files: [{ path, text }] };
}
