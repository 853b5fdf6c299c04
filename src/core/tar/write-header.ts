import { type ByteString, byteString, bytesOf } from '../bytes.ts';
import { EntryType, type LayerEntry, type Xattr } from '../layer/entry.ts';
import { roundUp } from '../struct.ts';
import { BLOCK_BYTES, Header } from './header.ts';

/** What a member's header is written from; names are as they shall stand in the tar. */
export interface TarMember
  extends Pick<
    LayerEntry,
    'type' | 'mode' | 'uid' | 'gid' | 'mtimeSeconds' | 'mtimeNanoseconds' | 'deviceMajor' | 'deviceMinor' | 'xattrs'
  > {
  /** A directory's ends in a slash. */
  readonly name: ByteString;
  readonly linkName: ByteString;
  /** What the tar stores for it, before padding, in bytes. */
  readonly storedSize: number;
  /** With its holes, in bytes; undefined for a file that is stored whole. */
  readonly sparseSize?: number | undefined;
}

/** What ustar calls the types of members. */
export const TYPE_FLAG: Readonly<Record<number, string>> = {
  [EntryType.file]: '0',
  [EntryType.hardLink]: '1',
  [EntryType.symlink]: '2',
  [EntryType.characterDevice]: '3',
  [EntryType.blockDevice]: '4',
  [EntryType.directory]: '5',
  [EntryType.fifo]: '6',
};

/** What eleven and seven octal digits hold. */
export const OCTAL_11_MAX = 8 ** 11 - 1;
export const OCTAL_7_MAX = 8 ** 7 - 1;
/** The names of what a reader sees that does not know the extensions. */
const PAX_NAME = '././@PaxHeader';
const SPARSE_NAME = 'GNUSparseFile.0';

type PaxRecords = [keyword: ByteString, value: ByteString][];

/**
 * The header of a member: one ustar block, with an extended header before it for what ustar has no room for. Names that are
 * UTF-8 but not ASCII stand in the extended header; for other bytes it says `hdrcharset=BINARY`. POSIX.1-2017, pax.
 */
export function tarHeader(member: TarMember): Uint8Array {
  const records: PaxRecords = [];
  const block = new Uint8Array(BLOCK_BYTES);
  putNames(block, member, records);
  putNumbers(block, member, records);
  records.push(...xattrRecords(member.xattrs));
  if (records.length === 0) return finishHeader(block, TYPE_FLAG[member.type]!);
  const body = bytesOf(records.map(([keyword, value]) => paxRecord(keyword, value)).join(''));
  const extended = new Uint8Array(BLOCK_BYTES);
  putText(extended, Header.name, PAX_NAME);
  putHeaderNumber(extended, Header.mode, 0o644);
  putHeaderNumber(extended, Header.size, body.length);
  const bodyEnd = BLOCK_BYTES + roundUp(body.length, BLOCK_BYTES);
  const whole = new Uint8Array(bodyEnd + BLOCK_BYTES);
  whole.set(finishHeader(extended, 'x'));
  whole.set(body, BLOCK_BYTES);
  whole.set(finishHeader(block, TYPE_FLAG[member.type]!), bodyEnd);
  return whole;
}

/** What ends a tar. */
export const TAR_END = new Uint8Array(2 * BLOCK_BYTES);

/**
 * GNU tar's map of a sparse file, version 1.0, padded to a block: it stands before the data. A file that ends in a hole has an empty
 * segment there.
 */
export function sparseMap(
  segments: readonly { readonly offset: number; readonly length: number }[],
  size: number,
): Uint8Array {
  const last = segments.at(-1);
  const isClosed = last !== undefined && last.offset + last.length === size;
  const all = isClosed ? segments : [...segments, { offset: size, length: 0 }];
  const text = bytesOf(
    [all.length, ...all.flatMap(({ offset, length }) => [offset, length])].map((n) => `${n}\n`).join(''),
  );
  const map = new Uint8Array(roundUp(text.length, BLOCK_BYTES));
  map.set(text);
  return map;
}

function putNames(block: Uint8Array, { name, linkName, sparseSize }: TarMember, records: PaxRecords): void {
  if (!isUtf8(name) || !isUtf8(linkName)) records.push(['hdrcharset', 'BINARY']);
  const split = isAscii(name) ? splitName(name) : undefined;
  if (sparseSize !== undefined) {
    records.push(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.name', name]);
    records.push(['GNU.sparse.realsize', String(sparseSize)]);
    putText(block, Header.name, SPARSE_NAME);
  } else if (split === undefined) {
    records.push(['path', name]);
    putText(block, Header.name, asciiOf(name).slice(0, Header.name.length));
  } else {
    putText(block, Header.prefix, split.prefix);
    putText(block, Header.name, split.name);
  }
  if (linkName.length > Header.linkname.length || !isAscii(linkName)) records.push(['linkpath', linkName]);
  putText(block, Header.linkname, asciiOf(linkName).slice(0, Header.linkname.length));
}

/** A name as ustar's two fields; undefined for one that they cannot hold. */
export function splitName(name: ByteString): { prefix: ByteString; name: ByteString } | undefined {
  if (name.length <= Header.name.length) return { prefix: '', name };
  const slash = name.indexOf('/', name.length - Header.name.length - 1);
  if (slash <= 0 || slash > Header.prefix.length || slash >= name.length - 1) return undefined;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

function putNumbers(block: Uint8Array, member: TarMember, records: PaxRecords): void {
  const { mode, uid, gid, storedSize, mtimeSeconds, mtimeNanoseconds, type } = member;
  const putOrRecord = (field: typeof Header.uid, value: number, max: number): void => {
    if (value > max) records.push([field.name, String(value)]);
    putHeaderNumber(block, field, value > max ? 0 : value);
  };
  putHeaderNumber(block, Header.mode, mode);
  putOrRecord(Header.uid, uid, OCTAL_7_MAX);
  putOrRecord(Header.gid, gid, OCTAL_7_MAX);
  putOrRecord(Header.size, storedSize, OCTAL_11_MAX);
  const isPlain = mtimeNanoseconds === 0 && mtimeSeconds >= 0 && mtimeSeconds <= OCTAL_11_MAX;
  if (!isPlain) records.push(['mtime', paxTimeText(mtimeSeconds, mtimeNanoseconds)]);
  putHeaderNumber(block, Header.mtime, Math.min(Math.max(mtimeSeconds, 0), OCTAL_11_MAX));
  if (type !== EntryType.characterDevice && type !== EntryType.blockDevice) return;
  putHeaderNumber(block, Header.devmajor, member.deviceMajor);
  putHeaderNumber(block, Header.devminor, member.deviceMinor);
}

/** `-1.5` for -2 s and 500,000,000 ns. */
function paxTimeText(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  const isNegative = seconds < 0;
  const whole = isNegative ? -1 - seconds : seconds;
  const fraction = String(isNegative ? 1e9 - nanoseconds : nanoseconds).padStart(9, '0');
  return `${isNegative ? '-' : ''}${whole}.${fraction.replace(/0+$/, '')}`;
}

/** `SCHILY.xattr.NAME`, binary; libarchive's form for a name that holds `=`, which ends a keyword. */
function xattrRecords(xattrs: readonly Xattr[]): PaxRecords {
  return xattrs.map(({ name, value }) =>
    name.includes('=')
      ? [`LIBARCHIVE.xattr.${name.replace(/[^\w.-]/g, encodeByte)}`, base64(value)]
      : [`SCHILY.xattr.${name}`, byteString(value)],
  );
}

function encodeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(value: Uint8Array): string {
  let text = '';
  for (let i = 0; i < value.length; i += 3) {
    const bits = (value[i]! << 16) | ((value[i + 1] ?? 0) << 8) | (value[i + 2] ?? 0);
    const digits = Math.min(value.length - i, 3) + 1;
    for (let digit = 0; digit < digits; digit++) text += BASE64[(bits >> (18 - 6 * digit)) & 63];
  }
  return text;
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts itself. */
function paxRecord(keyword: ByteString, value: ByteString): ByteString {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** Fills in what all headers have, the checksum last; returns the block. */
export function finishHeader(block: Uint8Array, typeFlag: string): Uint8Array {
  putText(block, Header.typeflag, typeFlag);
  putText(block, Header.magic, 'ustar\0');
  putText(block, Header.version, '00');
  block.fill(0x20, Header.chksum.offset, Header.chksum.offset + Header.chksum.length);
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) sum += block[i]!;
  putText(block, Header.chksum, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

type HeaderField = (typeof Header)[keyof typeof Header];

export function putText(block: Uint8Array, { offset }: HeaderField, text: ByteString): void {
  block.set(bytesOf(text), offset);
}

/** Octal digits and a NUL. */
export function putHeaderNumber(block: Uint8Array, field: HeaderField, value: number): void {
  putText(block, field, `${value.toString(8).padStart(field.length - 1, '0')}\0`);
}

const isAscii = (text: ByteString): boolean => !/[\x80-\xff]/.test(text);
const asciiOf = (text: ByteString): ByteString => text.replace(/[\x80-\xff]/g, '_');

function isUtf8(text: ByteString): boolean {
  if (isAscii(text)) return true;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(text));
    return true;
  } catch {
    return false;
  }
}
