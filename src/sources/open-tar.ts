import { ImageError } from '../core/errors.ts';
import type { LayerIndex } from '../core/layer/layer-index.ts';
import { FileBlob } from './file-blob.ts';
import type { Blob, Layer } from './layer.ts';
import type { MaterializedTar } from './materialize.ts';
import type { Opening } from './opening.ts';
import { scanTar } from './scan-tar.ts';
import { removeBlob } from './store/blob-store.ts';
import { loadIndex, saveIndex } from './store/index-store.ts';

/**
 * The layer of an uncompressed tar of `size` bytes; its index is kept in the cache as `indexName`, where it has one, and none of its extended
 * attributes is left out.
 */
export function openTar(
  blob: Blob,
  size: number,
  indexName: string | undefined,
  diffId: string | undefined,
  opening: Opening,
): Layer {
  const { reference, cache, xattrRecords } = opening;
  if (cache === undefined || indexName === undefined || xattrRecords !== 'all') {
    return { reference, index: scanTar(blob, size, opening), blob, diffId, tarSize: size };
  }
  const known = loadIndex(cache, indexName);
  if (known !== undefined) return { reference, index: known, blob, diffId, tarSize: size };
  const index = scanTar(blob, size, opening);
  keep(cache, indexName, index, opening);
  return { reference, index, blob, diffId, tarSize: size };
}

/** The layer of a decompressed tar, whose descriptor it takes over. */
export function openTarFile({ fd, identity, diffId, isCached }: MaterializedTar, opening: Opening): Layer {
  const blob = new FileBlob(fd, identity, opening.context);
  try {
    if (identity.size === 0n) throw new ImageError('layer-truncated', 'it holds no byte of a tar', opening.context);
    return openTar(blob, Number(identity.size), isCached ? diffId.replace(':', '-') : undefined, diffId, opening);
  } catch (error) {
    blob.close();
    if (isCached && opening.cache !== undefined) removeBlob(opening.cache, diffId);
    throw error;
  }
}

function keep(cache: string, indexName: string, index: LayerIndex, { onWarning }: Opening): void {
  try {
    saveIndex(cache, indexName, index);
  } catch (error) {
    onWarning(`the cache ${cache} does not keep an index: ${(error as Error).message}`);
  }
}
