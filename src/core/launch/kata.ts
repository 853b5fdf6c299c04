import { ImageError } from '../errors.ts';
import { directVolume } from '../manifest/kata.ts';
import { type Launch, type LaunchOptions, pathOf, soleDisk } from './launch.ts';

/**
 * Kata's runtimes are told of a volume that guests mount themselves: a container whose mount has the disk as its source has the filesystem in
 * its place. https://github.com/kata-containers/kata-containers/blob/main/docs/design/direct-blk-device-assignment.md
 */
export function launchKata(options: LaunchOptions): Launch {
  const { folder, readOnly, vmmWords = [] } = options;
  const { disk, filesystem = 'ext4' } = soleDisk(options, 'kata');
  if (vmmWords.length > 0)
    throw new ImageError('option-invalid', `kata is told of a volume, and takes nothing else: ${vmmWords.join(' ')}`);
  const device = pathOf(disk, 'kata');
  const runtime = disk.as === 'file' ? 'rust' : 'go';
  const { text } = directVolume({ runtime, volume: device, device, filesystem, isReadOnly: readOnly });
  if (runtime === 'go') return { argv: ['sh', '-ec', HELD, 'sh', device, text], files: [] };
  if (device.startsWith(`${folder}/`)) {
    throw new ImageError('option-invalid', 'Kata keeps its volumes: --at FILE is missing, which says where');
  }
  return { argv: ['kata-ctl', 'direct-volume', 'add', device, text], files: [] };
}

/** A device that is served is a volume as long as that is. */
const HELD =
  'kata-runtime direct-volume add --volume-path "$1" --mount-info "$2"; sleep infinity & ' +
  `trap 'kill $!; kata-runtime direct-volume remove --volume-path "$1"' EXIT; ` +
  `trap 'exit 130' INT; trap 'exit 143' TERM; echo "$1"; wait $!`;
