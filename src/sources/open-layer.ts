import { displayName, utf8ByteString } from '../core/bytes.ts';
import { assert } from '../core/errors.ts';
import { placed, sourceFailure } from './failure.ts';
import type { Layer } from './layer.ts';
import type { Opening, OpenLayerOptions } from './opening.ts';
import type { LayerOpener } from './resolve.ts';
import { resolveReference } from './resolve-reference.ts';
import { defaultCacheDirectory } from './store/cache-directory.ts';

/** The most bytes that one layer may have when decompressed, unless said otherwise: 1 TiB. */
const LAYER_BYTES_MAX = 2 ** 40;

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

function openingOf(reference: string, options: OpenLayerOptions): Opening {
  return {
    reference,
    context: { layer: options.layer ?? 0, reference: displayName(utf8ByteString(reference)) },
    cache: options.cache === false ? undefined : (options.cache ?? defaultCacheDirectory()),
    keepPermissions: options.keepPermissions ?? false,
    layerBytesMax: options.layerBytesMax ?? LAYER_BYTES_MAX,
    signal: options.signal,
    zstdEngine: options.zstdEngine,
    onWarning: options.onWarning ?? (() => undefined),
    onProgress: options.onProgress ?? (() => undefined),
  };
}
