import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, realpathSync } from 'node:fs';
import { ImageError } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { continued, counted, takeHead } from '../byte-stream.ts';
import { FORMAT_BYTES, formatOf } from '../decompress/format.ts';
import { FileBlob } from '../file-blob.ts';
import { identityOf, isRacy } from '../identity.ts';
import type { Layer } from '../layer.ts';
import { checkDiffId, materialize } from '../materialize.ts';
import type { Opening } from '../opening.ts';
import { openTar, openTarFile } from '../open-tar.ts';
import { piecesOf, preadSync } from '../pread.ts';
import { openCachedBlob } from '../store/blob-store.ts';
import { recordDiffId, recordedDiffId, sourceKey } from '../store/source-records.ts';
import type { BlobContent, ContentSource } from './content-source.ts';
import { digested } from './digested.ts';

/** A blob is read in pieces of this many bytes. */
const PIECE_BYTES = 256 * 1024;

/**
 * Opens a layer of an image: from the store where it has the diffID, in place where the blob is a plain tar in a file, else
 * decompressed into the store. The blob's digest and the diffID are verified over all bytes. Throws `digest-mismatch`.
 */
export async function openBlobLayer(
  content: ContentSource,
  descriptor: Descriptor,
  diffId: string,
  opening: Opening,
): Promise<Layer> {
  const { cache, context, signal } = opening;
  const cached = cache === undefined ? undefined : await openCachedBlob(cache, diffId);
  if (cached !== undefined) return openTarFile({ ...cached, diffId, isCached: true }, opening);
  const blob = await content.openBlob(descriptor, context, signal);
  if (blob.kind === 'stream') return openTarFile(await decompressed(blob.stream, descriptor, diffId, opening), opening);
  return openFileBlob(blob, descriptor, diffId, opening);
}

async function decompressed(
  stream: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  diffId: string,
  opening: Opening,
): ReturnType<typeof materialize> {
  const { context, zstdEngine, onProgress } = opening;
  const verified = digested(stream, descriptor, context)[Symbol.asyncIterator]();
  const head = await takeHead(verified);
  const { decompress } = await import('../decompress/decompress.ts');
  const format = formatOf(head.subarray(0, FORMAT_BYTES));
  const input = counted(continued(head, verified), descriptor.size, onProgress);
  return materialize(decompress(format, input, context, zstdEngine), opening, diffId);
}

async function openFileBlob(
  blob: Extract<BlobContent, { kind: 'file' }>,
  descriptor: Descriptor,
  diffId: string,
  opening: Opening,
): Promise<Layer> {
  const { context } = opening;
  if (blob.size !== descriptor.size) {
    const what = `the blob ${descriptor.digest} has ${blob.size} bytes, its descriptor says ${descriptor.size}`;
    throw new ImageError('digest-mismatch', what, context);
  }
  const fd = openSync(blob.path, 'r');
  let layer: Layer | undefined;
  try {
    const head = new Uint8Array(Math.min(FORMAT_BYTES, blob.size));
    const format = formatOf(head.subarray(0, preadSync(fd, head, blob.offset)));
    if (format === 'tar') layer = await openInPlace(fd, blob, descriptor, diffId, opening);
    else {
      const stream = piecesOf(fd, PIECE_BYTES, blob.offset, blob.offset + blob.size);
      return openTarFile(await decompressed(stream, descriptor, diffId, opening), opening);
    }
    return layer;
  } finally {
    if (layer === undefined) closeSync(fd);
  }
}

/** A plain tar is never copied, only read once for its digest; that it was is noted for the next time. */
async function openInPlace(
  fd: number,
  { path, offset, size }: Extract<BlobContent, { kind: 'file' }>,
  descriptor: Descriptor,
  diffId: string,
  opening: Opening,
): Promise<Layer> {
  const { cache, context, onProgress, onWarning } = opening;
  const seenAt = Date.now();
  const identity = identityOf(fstatSync(fd, { bigint: true }));
  const place = `${realpathSync(path)}\0${offset}\0${size}\0${descriptor.digest}`;
  const key = cache === undefined || isRacy(identity, seenAt) ? undefined : sourceKey(place, identity);
  if (key === undefined || recordedDiffId(cache!, key) !== diffId) {
    const hash = createHash('sha256');
    const pieces = digested(piecesOf(fd, PIECE_BYTES, offset, offset + size), descriptor, context);
    for await (const piece of counted(pieces, size, onProgress)) {
      opening.signal?.throwIfAborted();
      hash.update(piece);
    }
    checkDiffId(`sha256:${hash.digest('hex')}`, diffId, context);
    if (key !== undefined) remember(cache!, key, diffId, onWarning);
  }
  const blob = new FileBlob(fd, identity, context, path, offset);
  blob.verifyUnchanged();
  return openTar(blob, size, diffId.replace(':', '-'), diffId, opening);
}

function remember(cache: string, key: string, diffId: string, onWarning: (message: string) => void): void {
  try {
    recordDiffId(cache, key, diffId);
  } catch (error) {
    onWarning(`the cache ${cache} does not record the layer: ${(error as Error).message}`);
  }
}
