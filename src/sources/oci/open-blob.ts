import { createHash } from 'node:crypto';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import type { Phase } from '../../core/progress.ts';
import { continued, counted, takeHead } from '../byte-stream.ts';
import { FORMAT_BYTES, formatOf } from '../decompress/format.ts';
import type { Blob, Layer } from '../layer.ts';
import { checkDiffId, materialize } from '../materialize.ts';
import type { Opening } from '../opening.ts';
import { openTar, openTarFile } from '../open-tar.ts';
import { PartBlob } from '../part-blob.ts';
import { openCachedBlob } from '../store/blob-store.ts';
import { recordDiffId, recordedDiffId } from '../store/source-records.ts';
import type { BlobContent } from './content-source.ts';
import { digested } from './digested.ts';

/** A blob is read in pieces of this many bytes. */
const PIECE_BYTES = 256 * 1024;

/** What is known of a layer's blob before it is read. */
export interface ExpectedBlob {
  readonly digest?: string;
  /** In bytes. */
  readonly size?: number;
}

type Part = Extract<BlobContent, { kind: 'part' }>;

/**
 * Opens a layer of an image: from the store where it has the diffID, in place where the blob is a plain tar in a file, else
 * decompressed into the store. The blob's digest and the diffID are verified over all bytes. Throws `digest-mismatch`.
 */
export async function openBlobLayer(
  openBlob: () => Promise<BlobContent>,
  expected: ExpectedBlob,
  diffId: string,
  opening: Opening,
): Promise<Layer> {
  const { cache } = opening;
  const cached = cache === undefined ? undefined : await openCachedBlob(cache, diffId, opening.onProgress);
  if (cached !== undefined) return openTarFile({ ...cached, diffId, isCached: true }, opening);
  const content = await openBlob();
  if (content.kind === 'part') return openPart(content, expected, diffId, opening);
  const { stream, size } = content;
  return openTarFile(await decompressed(stream, 'downloading', { ...expected, size }, diffId, opening), opening);
}

async function openPart(part: Part, expected: ExpectedBlob, diffId: string, opening: Opening): Promise<Layer> {
  let isKept = false;
  try {
    const { blob, offset, size } = part;
    checkSize(size, expected, opening.context);
    const head = new Uint8Array(Math.min(FORMAT_BYTES, size));
    await blob.read(offset, head);
    if (formatOf(head) !== 'tar') {
      const tar = await decompressed(piecesOfPart(part), 'decompressing', { ...expected, size }, diffId, opening);
      return openTarFile(tar, opening);
    }
    await verifyInPlace(part, expected, diffId, opening);
    blob.verifyUnchanged();
    const inner = new PartBlob(blob, offset, () => blob.close());
    const layer = openTar(inner, size, diffId.replace(':', '-'), diffId, opening);
    isKept = true;
    return layer;
  } finally {
    if (!isKept) part.blob.close();
  }
}

/** A plain tar is never copied, only read once for its digest; that it was is noted for the next time. */
async function verifyInPlace(part: Part, expected: ExpectedBlob, diffId: string, opening: Opening): Promise<void> {
  const { cache, context, onProgress, onWarning, signal } = opening;
  const { key, offset, size } = part;
  const place = createHash('sha256').update(`${key} ${offset} ${size} ${expected.digest}`).digest('hex');
  const isKnown = cache !== undefined && key !== undefined && recordedDiffId(cache, 'in-place', place) === diffId;
  if (isKnown) return;
  const hash = createHash('sha256');
  const stream = verified(piecesOfPart(part), { ...expected, size }, context);
  for await (const piece of counted(stream, size, 'verifying', onProgress)) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  checkDiffId(`sha256:${hash.digest('hex')}`, diffId, context);
  if (cache === undefined || key === undefined) return;
  try {
    recordDiffId(cache, 'in-place', place, diffId, context.reference);
  } catch (error) {
    onWarning(`the cache ${cache} does not record the layer: ${(error as Error).message}`);
  }
}

async function decompressed(
  stream: AsyncIterable<Uint8Array>,
  phase: Phase,
  expected: ExpectedBlob & { readonly size: number },
  diffId: string,
  opening: Opening,
): ReturnType<typeof materialize> {
  const { context, zstdEngine, onProgress } = opening;
  const chunks = verified(stream, expected, context)[Symbol.asyncIterator]();
  try {
    const head = await takeHead(chunks);
    const { decompress } = await import('../decompress/decompress.ts');
    const input = counted(continued(head, chunks), expected.size, phase, onProgress);
    const tar = decompress(formatOf(head.subarray(0, FORMAT_BYTES)), input, context, zstdEngine);
    return await materialize(tar, opening, diffId);
  } finally {
    await chunks.return?.();
  }
}

function verified(
  stream: AsyncIterable<Uint8Array>,
  { digest, size }: ExpectedBlob & { readonly size: number },
  context: ImageErrorContext,
): AsyncIterable<Uint8Array> {
  return digest === undefined ? stream : digested(stream, { digest, size }, context);
}

async function* piecesOfPart({
  blob,
  offset,
  size,
}: {
  blob: Blob;
  offset: number;
  size: number;
}): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size; ) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, size - done));
    await blob.read(offset + done, piece);
    yield piece;
    done += piece.length;
  }
}

function checkSize(found: number, { digest, size }: ExpectedBlob, context: ImageErrorContext): void {
  if (size === undefined || size === found) return;
  throw new ImageError(
    'digest-mismatch',
    `the blob ${digest} has ${found} bytes, its descriptor says ${size}`,
    context,
  );
}
