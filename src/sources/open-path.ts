import { closeSync, createReadStream, fstatSync, openSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { FORMAT_BYTES, type Format, formatOf } from './decompress/format.ts';
import { counted } from './byte-stream.ts';
import { diskSignature } from './disk-signature.ts';
import { FileBlob } from './file-blob.ts';
import { type FileIdentity, identityOf, isRacy, sameIdentity } from './identity.ts';
import type { Layer } from './layer.ts';
import { type MaterializedTar, materialize } from './materialize.ts';
import type { Opening } from './opening.ts';
import { openStream } from './open-stream.ts';
import { openTar, openTarFile } from './open-tar.ts';
import { piecesOf, preadSync } from './pread.ts';
import { openCachedBlob } from './store/blob-store.ts';
import { recordDiffId, recordedDiffId, sourceKey } from './store/source-records.ts';

/** A compressed file is read in pieces of this many bytes. */
const INPUT_BYTES = 256 * 1024;

/** A file that is being opened. */
interface SourceFile {
  readonly fd: number;
  readonly path: string;
  readonly identity: FileIdentity;
  /** A name for its present state in the cache; undefined when a change might not change the name. */
  readonly key: string | undefined;
}

/** A directory of the host as a layer. Its modules are loaded when one is there to open: most runs have none. */
export async function openDirectory(path: string, opening: Opening): Promise<Layer> {
  const directory = await import('./directory/open-directory.ts');
  return directory.openDirectory(path, opening);
}

/** A layer at a path of the host: a tar in a file, plain or compressed, a directory, or a pipe. */
export async function openPath(path: string, opening: Opening): Promise<Layer> {
  const stats = statSync(path);
  if (stats.isDirectory()) return openDirectory(path, opening);
  if (stats.isFIFO()) return openStream(createReadStream(path), opening);
  if (!stats.isFile()) {
    throw new ImageError('layer-unsupported', 'it is neither a file, a pipe nor a directory', opening.context);
  }
  const seenAt = Date.now();
  const fd = openSync(path, 'r');
  let layer: Layer | undefined;
  try {
    const identity = identityOf(fstatSync(fd, { bigint: true }));
    const key = isRacy(identity, seenAt) ? undefined : sourceKey(realpathSync(path), identity);
    const head = headOf(fd);
    const format = formatOf(head);
    if (format === 'unknown' || head.every((byte) => byte === 0)) checkIsNoDisk(fd, opening);
    if (format !== 'tar') return await openCompressed({ fd, path, identity, key }, format, opening);
    const blob = new FileBlob(fd, identity, opening.context, path);
    layer = { ...openTar(blob, Number(identity.size), key && `file-${key}`, undefined, opening), key };
    return layer;
  } finally {
    if (layer === undefined) closeSync(fd);
  }
}

/** From the cache where the same file was decompressed before, else decompressed now. */
async function openCompressed(file: SourceFile, format: Format, opening: Opening): Promise<Layer> {
  const { cache } = opening;
  if (cache !== undefined && file.key !== undefined) {
    const diffId = recordedDiffId(cache, 'sources', file.key);
    const blob = diffId === undefined ? undefined : await openCachedBlob(cache, diffId, opening.onProgress);
    if (diffId !== undefined && blob !== undefined) return openTarFile({ ...blob, diffId, isCached: true }, opening);
  }
  const input = counted(
    piecesOf(file.fd, INPUT_BYTES),
    Number(file.identity.size),
    'decompressing',
    opening.onProgress,
  );
  const { decompress } = await import('./decompress/decompress.ts');
  const tar = await materialize(decompress(format, input, opening.context, opening.zstdEngine), opening);
  try {
    checkUnchanged(file, opening);
    if (cache !== undefined && file.key !== undefined && tar.isCached) record(cache, file.key, file.path, tar, opening);
  } catch (error) {
    closeSync(tar.fd);
    throw error;
  }
  return openTarFile(tar, opening);
}

function checkUnchanged({ fd, identity }: SourceFile, { context }: Opening): void {
  if (sameIdentity(identityOf(fstatSync(fd, { bigint: true })), identity)) return;
  throw new ImageError('layer-changed', 'the file changed while it was decompressed', context);
}

function record(cache: string, key: string, path: string, { diffId }: MaterializedTar, { onWarning }: Opening): void {
  try {
    recordDiffId(cache, 'sources', key, diffId, displayName(utf8ByteString(resolve(path))));
  } catch (error) {
    onWarning(`the cache ${cache} does not record the layer: ${(error as Error).message}`);
  }
}

function headOf(fd: number): Uint8Array {
  const head = new Uint8Array(FORMAT_BYTES);
  return head.subarray(0, preadSync(fd, head, 0));
}

function checkIsNoDisk(fd: number, { context }: Opening): void {
  const signature = diskSignature(fd);
  if (signature !== undefined) throw new ImageError('layer-unsupported', `it is the image of ${signature}`, context);
}
