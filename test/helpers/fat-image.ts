import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openImage } from '../../src/image/open-image.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { writeSparse } from './image-case.ts';
import { scratch } from './scratch.ts';
import { makeTar, type TarEntry } from './tar-writer.ts';
import { LIMIT } from './tools.ts';

/** Writes the FAT image of entries to a file. */
export async function buildFat(entries: readonly TarEntry[], options: ImageOptions = {}): Promise<string> {
  const directory = scratch();
  const tar = join(directory, 'layer.tar');
  writeFileSync(tar, makeTar(entries));
  const image = await openImage({ ...options, layers: [tar], fs: 'vfat', cache: false });
  try {
    const path = join(directory, 'image.fat');
    writeSparse(image, path);
    return path;
  } finally {
    image.close();
  }
}

/** Throws what `fsck.fat -n` complains about. */
export function fsckFat(path: string): void {
  const { status, stdout, stderr } = spawnSync('fsck.fat', ['-nv', path], LIMIT);
  if (status !== 0) throw new Error(`fsck.fat -n ended with ${status}:\n${stdout.toString()}${stderr.toString()}`);
}
