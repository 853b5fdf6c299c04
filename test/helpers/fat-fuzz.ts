import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../src/core/errors.ts';
import { FatFilesystem } from '../../src/core/fat/reader/filesystem.ts';
import { exportTar } from '../../src/core/reading/export-tar.ts';
import { openImage } from '../../src/image/open-image.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import type { FuzzedImage } from './ext4-fuzz.ts';
import { memoryDevice } from './memory-device.ts';
import { makeTar, type TarEntry } from './tar-writer.ts';

/** The kinds of FAT that are damaged. */
export const FUZZED_FATS: readonly (readonly [name: string, options: ImageOptions])[] = [
  ['FAT12', { label: 'disk' }],
  ['FAT16', { fatBits: 16 }],
  ['FAT32', { fatBits: 32 }],
];

const ENTRIES: readonly TarEntry[] = [
  { name: 'EFI/BOOT/BOOTX64.EFI', data: 'x'.repeat(20_000) },
  ...Array.from({ length: 60 }, (_, i) => ({ name: `a/b/a name that is not short ${i}`, data: 'y'.repeat(i * 50) })),
  { name: 'empty' },
  { name: 'README.TXT', data: 'z'.repeat(5000) },
];

const BLOCK_SIZE = 1024;
/** A file may claim any size; what is made of its data ends here. */
const PIECES_MAX = 2000;

/** A small filesystem, made in `directory`: its boot sector, the begin of its first table, and its directories are what is damaged. */
export async function makeFuzzedFat(directory: string, options: ImageOptions): Promise<FuzzedImage> {
  const layer = join(directory, 'layer.tar');
  writeFileSync(layer, makeTar(ENTRIES));
  const image = await openImage({ ...options, layers: [layer], fs: 'vfat', cache: false });
  const bytes = new Uint8Array(image.size);
  image.read(0, bytes);
  image.close();
  const { table, root, data } = new FatFilesystem(memoryDevice(bytes)).volume;
  const rootStart = 'start' in root ? root.start : data;
  const blocks = [0, 0, ...around(table, 2), ...around(rootStart, 2), ...around(data, 12)];
  return { bytes, blocks };
}

const around = (start: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.floor(start / BLOCK_SIZE) + i);

/** Reads all that there is to read; whatever is wrong has to be told by an error about the image. Returns how many pieces there were. */
export function readFatTolerantly(bytes: Uint8Array): number {
  let count = 0;
  try {
    const filesystem = new FatFilesystem(memoryDevice(bytes));
    void filesystem.label;
    void filesystem.freeClusters;
    filesystem.resolve('a/../a/b/a name that is not short 7');
    for (const _ of exportTar(filesystem, filesystem.root, '', { warn: () => undefined }))
      if (++count === PIECES_MAX) break;
  } catch (error) {
    const isTold = error instanceof ImageError && /^image-(corrupt|unsupported)$/.test(error.code);
    if (!isTold || error.message.includes('\n')) throw error;
  }
  return count;
}
