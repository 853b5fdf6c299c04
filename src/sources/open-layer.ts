import { assert } from '../core/errors.ts';
import { placed, sourceFailure } from './failure.ts';
import type { Layer } from './layer.ts';
import { openingOf, type OpenLayerOptions } from './opening.ts';
import type { LayerOpener } from './resolve.ts';
import { resolveReference } from './resolve-reference.ts';

/**
 * Opens a reference that is one layer: `-`, `dir:PATH`, a directory, or a tar, plain or in gzip, zstd or xz. A plain tar is read
 * in place; anything else is decompressed once, into the cache. Throws ImageError with the layer's number and reference.
 */
export async function openLayer(reference: string, options: OpenLayerOptions = {}): Promise<Layer> {
  const { layers } = await resolveReference(reference, options);
  assert(layers.length === 1, () => `${reference} is ${layers.length} layers`);
  return openResolved(layers[0]!, reference, options);
}

/** Opens a layer of a reference. Throws ImageError with the layer's number and reference. */
export async function openResolved(open: LayerOpener, reference: string, options: OpenLayerOptions): Promise<Layer> {
  const opening = openingOf(reference, options);
  opening.signal?.throwIfAborted();
  try {
    return await open(opening);
  } catch (error) {
    opening.signal?.throwIfAborted();
    throw placed(sourceFailure(error, opening.context), opening.context);
  }
}
