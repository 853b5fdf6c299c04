import { ImageError } from '../errors.ts';
import { directVolume } from '../manifest/kata.ts';
import { type Launch, type LaunchOptions, pathOf } from './launch.ts';

/**
 * Kata's runtime is told of a volume that guests mount themselves: a container that has the file bound to a directory has its filesystem there.
 * It keeps what it is told, and so the file has to stay.
 */
export function launchKata({ disk, folder, readOnly, filesystem = 'ext4' }: LaunchOptions): Launch {
  const device = pathOf(disk, 'kata');
  if (device.startsWith(`${folder}/`)) {
    throw new ImageError('option-invalid', 'Kata keeps its volumes: --at FILE is missing, which says where');
  }
  const { text } = directVolume({ volume: device, device, filesystem, isReadOnly: readOnly });
  const argv = ['kata-runtime', 'direct-volume', 'add', '--volume-path', device, '--mount-info', text];
  return { argv, files: [] };
}
