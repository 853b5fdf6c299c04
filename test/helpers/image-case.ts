import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Ext4Plan } from '../../src/core/ext4/layout.ts';
import type { Image, PlannedImage } from '../../src/image/image.ts';
import { type ImageOptions, toExt4Options } from '../../src/image/options.ts';
import { planImage } from '../../src/image/plan-image.ts';
import { openLayers } from '../../src/sources/open-layers.ts';
import { scratch } from './scratch.ts';
import { makeTar, type TarEntry } from './tar-writer.ts';

/** Entries to make a tar of, or a whole tar. */
export type LayerCase = readonly TarEntry[] | Uint8Array;

/** An image of layers that are made for one test, and the warnings that it gave. */
export interface ImageCase {
  readonly image: PlannedImage<Ext4Plan>;
  readonly warnings: readonly string[];
  /** A directory of the test's own. */
  readonly directory: string;
}

/** Plans the image of `layers`, bottom first; everything is gone when the test ends. */
export async function planCase(layers: readonly LayerCase[], options: ImageOptions = {}): Promise<ImageCase> {
  const directory = scratch();
  const references = layers.map((layer, i) => {
    const path = join(directory, `layer-${i}.tar`);
    writeFileSync(path, layer instanceof Uint8Array ? layer : makeTar(layer));
    return path;
  });
  const warnings: string[] = [];
  const { layers: opened } = await openLayers(references, { cache: false });
  onTestFinished(() => opened.forEach(({ blob }) => blob.close()));
  const image = await planImage(opened, toExt4Options(options), { onWarning: (warning) => warnings.push(warning) });
  return { image, warnings, directory };
}

/** The same, with the image written to a file; returns its path too. */
export async function buildCase(
  layers: readonly LayerCase[],
  options: ImageOptions = {},
): Promise<ImageCase & { readonly path: string }> {
  const made = await planCase(layers, options);
  const path = join(made.directory, 'image.ext4');
  writeSparse(made.image, path);
  return { ...made, path };
}

/** Writes an image as a sparse file, by nothing but its ranges and reads. */
export function writeSparse(image: Image, path: string): void {
  const fd = openSync(path, 'wx');
  try {
    ftruncateSync(fd, image.size);
    const buffer = new Uint8Array(1 << 20);
    for (const { offset, length, hole } of image.extents(0, image.size)) {
      for (let done = 0; !hole && done < length; done += buffer.length) {
        const part = buffer.subarray(0, Math.min(buffer.length, length - done));
        image.read(offset + done, part);
        writeSync(fd, part, 0, part.length, offset + done);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** All bytes of a small image. */
export function bytesOfImage(image: Image): Uint8Array {
  const bytes = new Uint8Array(image.size);
  image.read(0, bytes);
  return bytes;
}
