import type { Ext4Plan } from '../core/ext4/layout.ts';
import type { Layer } from '../sources/layer.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { openLayers, type OpenLayersOptions } from '../sources/open-layers.ts';
import type { PlannedImage } from './image.ts';
import { type ImageOptions, toPlanOptions } from './options.ts';
import { planImage } from './plan-image.ts';

/** The layers of an image, how they are opened, and what decides the image's bytes besides them. */
export interface OpenImageOptions extends ImageOptions, OpenLayersOptions {
  /** References of the layers, bottom first: a tar (plain, gzip, zstd, xz), a directory, `dir:PATH`, `oci:DIR[:TAG]`, or `-`. */
  readonly layers: readonly string[];
}

/** An image that was opened, with what it was made of. */
export interface OpenedImage {
  readonly image: PlannedImage<Ext4Plan>;
  /** Bottom first. */
  readonly layers: readonly Layer[];
  /** What the references turned out to be, in their order. */
  readonly references: readonly ResolvedReference[];
}

/**
 * Opens layers and plans their image; no file's content is read but to decompress layers. Close the image when done.
 * Throws ImageError.
 */
export async function openLayeredImage(options: OpenImageOptions): Promise<OpenedImage> {
  const planOptions = toPlanOptions(options);
  const { layers, references } = await openLayers(options.layers, options);
  try {
    return { layers, references, image: planImage(layers, planOptions, options) };
  } catch (error) {
    for (const { blob } of layers) blob.close();
    throw error;
  }
}

/** The same, for who needs the image alone. */
export async function openImage(options: OpenImageOptions): Promise<PlannedImage<Ext4Plan>> {
  return (await openLayeredImage(options)).image;
}
