import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl';
import { byteString, displayName } from '../../core/bytes.ts';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { EntryType } from '../../core/layer/entry.ts';
import { roundUp } from '../../core/struct.ts';
import { BLOCK_BYTES } from '../../core/tar/header.ts';
import { SYMLINK_BYTES_MAX } from '../../core/tar/limits.ts';
import { TAR_END, tarHeader, type TarMember } from '../../core/tar/write-header.ts';
import { errnoOf } from '../failure.ts';
import { zipMember } from './zip-entry.ts';
import { ZipFileReader } from './zip-file-reader.ts';

/** The most entries of an archive. */
const ENTRIES_MAX = 4_194_304;

/**
 * The tar of what is in the zip at a path, in its order. What is decompressed is bounded by the file: entries may not share bytes, and
 * deflate makes at most 1032 of one. Throws `ware-corrupt` or `pack-invalid`.
 */
export async function* zipToTar(path: string, context: ImageErrorContext): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    const zip = await opened(fd);
    if (zip.entryCount > ENTRIES_MAX)
      throw new ImageError('ware-corrupt', `${zip.entryCount} entries, at most ${ENTRIES_MAX} are read`, context);
    let stored = 0;
    for await (const entry of entriesOf(zip)) {
      stored += entry.compressedSize;
      if (stored > zip.fileSize) throw corrupt(entry, 'its entries are longer than the file');
      yield* memberPieces(zip, entry);
    }
  } catch (error) {
    throw zipFailure(error, context);
  } finally {
    closeSync(fd);
  }
  yield TAR_END;
}

async function opened(fd: number): Promise<ZipFile> {
  const { size } = fstatSync(fd);
  // Names are bytes; what they mean is for the reader of tars.
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
  return fromRandomAccessReaderPromise(new ZipFileReader(fd, size), size, options);
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  // An error that nobody listens to ends the process.
  zip.on('error', () => undefined);
  for (;;) {
    const entry = await nextEntry(zip);
    if (entry === undefined) return;
    yield entry;
  }
}

async function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  const listening = new AbortController();
  const options = { signal: listening.signal };
  try {
    const next = Promise.race([
      once(zip, 'entry', options).then(([entry]) => entry as Entry),
      once(zip, 'end', options).then(() => undefined),
    ]);
    // It throws of itself for some of what it cannot read, and nobody waits for the next entry then.
    next.catch(() => undefined);
    zip.readEntry();
    return await next;
  } finally {
    listening.abort();
  }
}

async function* memberPieces(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  const member = zipMember(entry);
  if (member.type === EntryType.symlink) {
    yield tarHeader({ ...member, linkName: await linkText(zip, entry) });
    return;
  }
  yield tarHeader(member);
  if (member.type !== EntryType.file) return;
  yield* contentPieces(zip, entry);
  yield paddingOf(member);
}

const paddingOf = ({ storedSize }: TarMember): Uint8Array =>
  new Uint8Array(roundUp(storedSize, BLOCK_BYTES) - storedSize);

/** The content, decompressed; its length is what the entry says, its checksum too. */
async function* contentPieces(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  const stream = await zip.openReadStreamPromise(entry);
  let sum = 0;
  for await (const piece of stream as AsyncIterable<Uint8Array>) {
    sum = crc32(piece, sum);
    yield piece;
  }
  if (sum !== entry.crc32) throw corrupt(entry, `checksum 0x${hex(entry.crc32)}, computed 0x${hex(sum)}`);
}

const hex = (sum: number): string => sum.toString(16);

async function linkText(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > SYMLINK_BYTES_MAX) throw corrupt(entry, `a symlink of ${entry.uncompressedSize} bytes`);
  let text = '';
  for await (const piece of contentPieces(zip, entry)) text += byteString(piece);
  return text;
}

function corrupt(entry: Entry, what: string): ImageError {
  return new ImageError('ware-corrupt', what, { path: displayName(byteString(entry.fileNameRaw)) });
}

/** yauzl tells of the archive in plain errors. */
function zipFailure(error: unknown, context: ImageErrorContext): unknown {
  const isZlib = errnoOf(error)?.startsWith('Z_') === true;
  if (error instanceof ImageError || !(error instanceof Error) || (errnoOf(error) !== undefined && !isZlib))
    return error;
  return new ImageError('ware-corrupt', `zip: ${error.message.slice(0, 200)}`, context, { cause: error });
}
