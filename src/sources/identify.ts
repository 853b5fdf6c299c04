import { createHash, type Hash } from 'node:crypto';
import type { LayerIdentity } from '../core/layer/identity.ts';
import { EntryType } from '../core/layer/entry.ts';
import { entrySegments } from '../core/layer/layer-index.ts';
import { describeEntry } from '../core/tree/entry-description.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import type { Layer } from './layer.ts';
import { openingOf, type OpenLayerOptions } from './opening.ts';
import { recordDiffId, recordedDiffId } from './store/source-records.ts';

/** Layers are read in pieces of at most this many bytes. */
const PIECE_BYTES = 1024 * 1024;

/** What identifying layers needs, and what it tells. */
type IdentifyOptions = Pick<OpenLayerOptions, 'cache' | 'signal' | 'onWarning' | 'onProgress'>;

/**
 * The digests of layers. Those that were read whole when they were opened have theirs; a tar in place is read once, and the cache
 * remembers; a directory is read whole. `metadata` decides what of a directory's metadata counts. Throws as reading the layers does.
 */
export async function identifyLayers(
  layers: readonly Layer[],
  metadata: MetadataPolicy,
  options: IdentifyOptions = {},
): Promise<LayerIdentity[]> {
  const known = layers.map((layer) => layer.diffId ?? recordedOf(layer, options));
  const total = layers.reduce((sum, layer, i) => sum + (known[i] === undefined ? lengthOf(layer) : 0), 0);
  let done = 0;
  const onRead = (length: number): void => {
    options.signal?.throwIfAborted();
    done += length;
    options.onProgress?.({ phase: 'digesting layers', bytes: { done, total } });
  };
  const identities: LayerIdentity[] = [];
  for (const [i, layer] of layers.entries()) {
    const diffId = known[i];
    if (diffId !== undefined) identities.push({ diffId });
    else if (layer.tarSize === undefined) identities.push({ contents: await contentsOf(layer, metadata, onRead) });
    else identities.push({ diffId: await diffIdOf(layer, layer.tarSize, options, onRead) });
  }
  return identities;
}

/** The diffID of a tar in place that was digested before. */
function recordedOf({ reference, key }: Layer, options: IdentifyOptions): string | undefined {
  const { cache } = openingOf(reference, options);
  return cache === undefined || key === undefined ? undefined : recordedDiffId(cache, 'in-place', key);
}

/** How much of a layer is read for its digest, in bytes; about that where files are sparse. */
function lengthOf({ tarSize, index }: Layer): number {
  if (tarSize !== undefined) return tarSize;
  let length = 0;
  for (const size of index.size) length += size;
  return length;
}

async function diffIdOf(
  layer: Layer,
  size: number,
  options: IdentifyOptions,
  onRead: (length: number) => void,
): Promise<string> {
  const { cache, onWarning } = openingOf(layer.reference, options);
  const hash = createHash('sha256');
  await digestRange(layer, 0, size, hash, onRead);
  layer.blob.verifyUnchanged();
  const diffId = `sha256:${hash.digest('hex')}`;
  try {
    if (cache !== undefined && layer.key !== undefined)
      recordDiffId(cache, 'in-place', layer.key, diffId, layer.reference);
  } catch (error) {
    onWarning(`the cache ${cache} does not record the layer: ${(error as Error).message}`);
  }
  return diffId;
}

async function contentsOf(layer: Layer, metadata: MetadataPolicy, onRead: (length: number) => void): Promise<string> {
  const { index, blob } = layer;
  const hash = createHash('sha256');
  for (let entry = 0; entry < index.count; entry++) {
    hash.update(describeEntry(index, entry, metadata));
    if (index.type[entry] !== EntryType.file) continue;
    const length = entrySegments(index, entry).reduce((sum, segment) => sum + segment.length, 0);
    await digestRange(layer, index.dataOffset[entry]!, length, hash, onRead);
  }
  blob.verifyUnchanged();
  return `sha256:${hash.digest('hex')}`;
}

/** Digests `length` bytes of a layer's data from `start`. */
async function digestRange(
  { blob }: Layer,
  start: number,
  length: number,
  hash: Hash,
  onRead: (length: number) => void,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, length));
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
    await blob.read(start + done, piece);
    hash.update(piece);
    onRead(piece.length);
  }
}
