import { type ByteString, byteString, displayName } from '../bytes.ts';
import { EntryType } from '../layer/entry.ts';
import { makeEntry, storedSize } from './entry.ts';
import { BLOCK_BYTES, Header, headerForm, headerName, isZeroBlock, verifyChecksum } from './header.ts';
import { EMPTY_BYTES_READ, LONG_NAME_BYTES_MAX, PAX_BYTES_MAX } from './limits.ts';
import { PaxState, parsePax, type XattrRecords } from './pax.ts';
import { TarPlace } from './place.ts';
import { readRange, type TarReading, type TarSource, type TarStep, truncated } from './source.ts';
import { readOldGnuSparse, readPaxSparse, type SparseFile } from './sparse.ts';

export type { ByteRange, TarStep } from './source.ts';

export interface TarOptions {
  /** The layer's number, for errors. */
  readonly layer: number;
  /** The length of the uncompressed tar, in bytes. */
  readonly size: number;
  /** Default: all. */
  readonly xattrRecords?: XattrRecords | undefined;
}

/** What precedes an entry and applies to it. */
interface Extensions {
  readonly pax: PaxState;
  longName: ByteString | undefined;
  longLink: ByteString | undefined;
  /** Whether a header that applies to one entry has been read, and the entry has not. */
  isDue: boolean;
}

/** The type flags of entries. `D` is GNU's dump of a directory: a directory with a list of names as its body. */
const ENTRY_TYPES: Readonly<Record<string, EntryType>> = {
  '\0': EntryType.file,
  '0': EntryType.file,
  '1': EntryType.hardLink,
  '2': EntryType.symlink,
  '3': EntryType.characterDevice,
  '4': EntryType.blockDevice,
  '5': EntryType.directory,
  '6': EntryType.fifo,
  '7': EntryType.file,
  D: EntryType.directory,
  S: EntryType.file,
};

/**
 * The entries of an uncompressed tar in their order, without I/O: each step is either a range of bytes that the driver
 * must answer with (`next(bytes)`, exactly that many, fewer only at the end of the tar; they may be overwritten after
 * the next step) or an entry, answered with anything. Ranges only go forward and never overlap; of file bodies none is
 * asked for, but for the maps of sparse files 1.0.
 *
 * Reads v7, ustar, GNU and PAX headers, and ends at two zero blocks or where the tar ends between entries; what follows
 * the zero blocks is not looked at. As in Go's archive/tar: links, devices, directories and fifos have no body whatever
 * their size field says, a GNU long name wins over a PAX path, and a lone zero block is an error.
 * Throws ImageError: `layer-corrupt`, `layer-truncated`, `layer-unsupported`, `limit-exceeded`, `name-invalid`, `name-escapes-root`.
 */
export function* readTar({ layer, size, xattrRecords }: TarOptions): Generator<TarStep, void, Uint8Array> {
  const place = new TarPlace(layer);
  const source: TarSource = { size, place };
  const extensions: Extensions = {
    pax: new PaxState(xattrRecords),
    longName: undefined,
    longLink: undefined,
    isDue: false,
  };
  let offset = 0;
  while (offset < size) {
    place.moveTo(offset);
    const header = yield* readRange(source, offset, BLOCK_BYTES);
    if (header[0] === 0 && isZeroBlock(header)) {
      if (extensions.isDue) throw place.error('layer-corrupt', 'the end, expected the entry of an extended header');
      yield* readEnd(source, offset + BLOCK_BYTES);
      if (offset === 0) yield* readNothing(source, 2 * BLOCK_BYTES);
      return;
    }
    verifyChecksum(header, place);
    offset = yield* readMember(source, offset, header, extensions);
  }
  if (extensions.isDue) throw truncated(place, offset, BLOCK_BYTES, size);
}

/** After one zero block: the second, or the end of a tar that has only one. */
function* readEnd(source: TarSource, offset: number): TarReading<void> {
  if (offset === source.size) return;
  const block = yield* readRange(source, offset, BLOCK_BYTES);
  if (!isZeroBlock(block))
    throw source.place.error('layer-corrupt', 'one zero block, expected two at the end of a tar');
}

/** Behind the end of a tar without entries: disk images begin with zeros too, and are no tar. */
function* readNothing(source: TarSource, offset: number): TarReading<void> {
  if (offset >= source.size) return;
  const bytes = yield* readRange(source, offset, Math.min(source.size, EMPTY_BYTES_READ) - offset);
  if (bytes.some((byte) => byte !== 0)) {
    throw source.place.error('layer-corrupt', 'zeros with something else behind them, expected a tar');
  }
}

/** What the header at `offset` begins: an entry, or words about entries. Returns the offset of the next header. */
function* readMember(
  source: TarSource,
  offset: number,
  header: Uint8Array,
  extensions: Extensions,
): TarReading<number> {
  const flag = String.fromCharCode(header[Header.typeflag.offset] ?? 0);
  switch (flag) {
    case 'x':
    case 'X':
    case 'g':
    case 'L':
    case 'K':
      return yield* readExtension(source, offset, header, flag, extensions);
    case 'V':
      return bodyEnd(source, offset + BLOCK_BYTES, storedSize(header, NO_PAX, source.place));
    default: {
      const end = yield* readEntry(source, offset, header, flag, extensions);
      extensions.pax.clearLocal();
      extensions.longName = undefined;
      extensions.longLink = undefined;
      extensions.isDue = false;
      return end;
    }
  }
}

/** The size of a header that says things about others is its own: no extended header applies to it. */
const NO_PAX = new PaxState();

function* readExtension(
  source: TarSource,
  offset: number,
  header: Uint8Array,
  flag: 'x' | 'X' | 'g' | 'L' | 'K',
  extensions: Extensions,
): TarReading<number> {
  const { place } = source;
  place.nameIs(headerName(header, headerForm(header)));
  const size = storedSize(header, NO_PAX, place);
  const isName = flag === 'L' || flag === 'K';
  const max = isName ? LONG_NAME_BYTES_MAX : PAX_BYTES_MAX;
  if (size > max) {
    throw place.error(
      'limit-exceeded',
      `an extended header (type ${flag}) of ${size} bytes, at most ${max} are supported`,
    );
  }
  const end = bodyEnd(source, offset + BLOCK_BYTES, size);
  const body = size === 0 ? '' : byteString(yield* readRange(source, offset + BLOCK_BYTES, size));
  if (flag === 'L') extensions.longName = textOf(body);
  else if (flag === 'K') extensions.longLink = textOf(body);
  else if (flag === 'g') extensions.pax.setGlobal(parsePax(body, place), place);
  else extensions.pax.setLocal(parsePax(body, place));
  if (flag !== 'g') extensions.isDue = true;
  return end;
}

function* readEntry(
  source: TarSource,
  offset: number,
  header: Uint8Array,
  flag: string,
  { pax, longName, longLink }: Extensions,
): TarReading<number> {
  const { place } = source;
  const form = headerForm(header);
  const name = pax.get('GNU.sparse.name') ?? longName ?? pax.get('path') ?? headerName(header, form);
  place.nameIs(name);
  const type = entryType(flag, name, place);
  const hasBody = type === EntryType.file || flag === 'D';
  const stored = hasBody ? storedSize(header, pax, place) : 0;
  const bodyOffset = offset + BLOCK_BYTES;
  // Whole before anything else is asked for: the header's bytes are only lent.
  const entry = makeEntry({ header, form, type, name, longLink, pax, place }, stored, bodyOffset);
  let sparse: SparseFile | undefined;
  if (flag === 'S') sparse = yield* readOldGnuSparse(source, offset, header, stored);
  else if (type === EntryType.file && !pax.isEmpty) sparse = yield* readPaxSparse(source, bodyOffset, pax, stored);
  const end = bodyEnd(source, flag === 'S' ? (sparse?.dataOffset ?? bodyOffset) : bodyOffset, stored);
  yield { entry: sparse === undefined ? entry : { ...entry, ...sparse } };
  return end;
}

/** An old tar has directories as files whose name ends in a slash. */
function entryType(flag: string, name: ByteString, place: TarPlace): EntryType {
  const type = ENTRY_TYPES[flag];
  if (type === undefined) throw place.error('layer-unsupported', `an entry of the unknown type ${displayName(flag)}`);
  const isSlashed = (flag === '0' || flag === '\0') && name.endsWith('/');
  return isSlashed ? EntryType.directory : type;
}

/** Where a body with its padding ends; `layer-truncated` when the tar ends before. */
function bodyEnd({ size, place }: TarSource, offset: number, length: number): number {
  const padded = Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
  if (offset + padded > size) throw truncated(place, offset, padded, size);
  return offset + padded;
}

function textOf(body: ByteString): ByteString {
  const end = body.indexOf('\0');
  return end < 0 ? body : body.slice(0, end);
}
