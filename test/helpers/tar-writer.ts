import { type ByteString, bytesOf } from '../../src/core/bytes.ts';

/** The header forms. `pax` adds an extended header only for what ustar's fields cannot hold; `raw` writes what is asked. */
export type TarFormat = 'v7' | 'ustar' | 'gnu' | 'pax';

/** A type by name, or any one-character flag of a header: `'7'`, `'D'`, `'\0'`. */
type TarType = keyof typeof FLAGS | (string & {});

const FLAGS = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  sparse: 'S',
  paxGlobal: 'g',
} as const;

/** The keyword and value of one PAX record; pairs keep order and repetition. */
export type PaxPair = readonly [keyword: ByteString, value: ByteString | Uint8Array];

export interface SparseSpec {
  /** `gnu` is type S with extension headers; the others are GNU's PAX forms. */
  readonly form: 'gnu' | '0.0' | '0.1' | '1.0';
  /** The file's length with its holes, in bytes. */
  readonly size: number;
  /** Where data is; the entry's `data` holds the segments' bytes one after another. */
  readonly segments: readonly { readonly offset: number; readonly length: number }[];
}

/** One entry to write. Strings are byte strings (one character a byte); `utf8ByteString` makes one from ordinary text. */
export interface TarEntry {
  readonly name: ByteString;
  /** Default: `directory` for a name that ends in a slash, else `file`. */
  readonly type?: TarType;
  readonly format?: TarFormat;
  /** Default 0o755 for a directory, else 0o644. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds, or a decimal number as text for a PAX record: `'-1.5'`. */
  readonly mtime?: number | string;
  readonly uname?: ByteString;
  readonly gname?: ByteString;
  readonly linkName?: ByteString;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly data?: ByteString | Uint8Array;
  /** Written as SCHILY.xattr records. */
  readonly xattrs?: Readonly<Record<ByteString, ByteString | Uint8Array>>;
  /** More records of the local extended header; for `paxGlobal` the records of the global one. */
  readonly pax?: readonly PaxPair[];
  /** The whole body of the extended header instead of records, to break it. */
  readonly rawPax?: ByteString;
  readonly sparse?: SparseSpec;
  /** What the size field says, when it is not the length of `data`. */
  readonly declaredSize?: number;
  /** Changes the header block before its checksum is made. */
  readonly edit?: (header: Uint8Array) => void;
  /** Changes the header block after its checksum was made. */
  readonly damage?: (header: Uint8Array) => void;
  /** `signed` sums bytes as signed characters, as some old tars do. */
  readonly checksum?: 'unsigned' | 'signed';
}

export interface TarOptions {
  /** Zero blocks at the end; default 2. */
  readonly endBlocks?: number;
  /** What follows them. */
  readonly trailing?: Uint8Array;
}

export const BLOCK = 512;

/**
 * A tar made by code, for tests: well-formed unless asked otherwise.
 *
 *     makeTar([
 *       { name: 'etc/' },
 *       { name: 'etc/hostname', data: 'loom\n', xattrs: { 'user.a': 'b\0c' } },
 *       { name: 'etc/link', type: 'symlink', linkName: 'hostname' },
 *       { name: 'etc/bad', damage: (header) => header.fill(0xff, 0, 1) },
 *     ])
 */
export function makeTar(entries: readonly TarEntry[], options: TarOptions = {}): Uint8Array {
  const parts = entries.map(makeTarEntry);
  parts.push(new Uint8Array((options.endBlocks ?? 2) * BLOCK), options.trailing ?? new Uint8Array(0));
  return concat(parts);
}

/** One entry with its extended headers, body and padding. */
export function makeTarEntry(entry: TarEntry): Uint8Array {
  const type = entry.type ?? (entry.name.endsWith('/') ? 'directory' : 'file');
  const body = bytes(entry.data ?? '');
  if (type === 'paxGlobal') return block({ ...entry, type, format: 'ustar' }, paxBody(entry.pax ?? [], entry.rawPax));
  const plain = { ...entry, type };
  if (entry.sparse?.form === 'gnu') return oldGnuSparse(plain, entry.sparse, body);
  const [shrunk, records, data] = toPax(plain, body);
  const parts: Uint8Array[] = [];
  if (entry.format === 'gnu') {
    if (entry.name.length > 100) parts.push(gnuLong('L', entry.name));
    if ((entry.linkName ?? '').length > 100) parts.push(gnuLong('K', entry.linkName ?? ''));
  }
  if (records.length > 0 || entry.rawPax !== undefined) {
    parts.push(block({ name: 'PaxHeaders/x', type: 'x', format: 'ustar' }, paxBody(records, entry.rawPax)));
  }
  parts.push(block(shrunk, data));
  return concat(parts);
}

/** A PAX record, `LENGTH KEYWORD=VALUE\n`, where the length counts itself. */
export function paxRecord(keyword: ByteString, value: ByteString | Uint8Array): Uint8Array {
  const rest = concat([bytes(` ${keyword}=`), bytes(value), bytes('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return concat([bytes(String(length)), rest]);
}

/** Makes `header`'s checksum right again after a change. */
export function setChecksum(header: Uint8Array, kind: 'unsigned' | 'signed' = 'unsigned'): void {
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of header.subarray(0, BLOCK)) sum += kind === 'signed' && byte > 127 ? byte - 256 : byte;
  header.set(bytes(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bytes(value: ByteString | Uint8Array): Uint8Array {
  return typeof value === 'string' ? bytesOf(value) : value;
}

function paxBody(records: readonly PaxPair[], raw: ByteString | undefined): Uint8Array {
  return raw === undefined ? concat(records.map(([keyword, value]) => paxRecord(keyword, value))) : bytes(raw);
}

/** The entry as its ustar header can hold it, the records for what it cannot, and the body. */
function toPax(entry: TarEntry, body: Uint8Array): [TarEntry, PaxPair[], Uint8Array] {
  const records: PaxPair[] = [];
  const header: { -readonly [K in keyof TarEntry]: TarEntry[K] } = { ...entry };
  const fits = (entry.format ?? 'pax') !== 'pax';
  const move = (
    field: 'name' | 'linkName' | 'uid' | 'gid' | 'mtime',
    keyword: string,
    short: string | number,
  ): void => {
    records.push([keyword, String(entry[field])]);
    Object.assign(header, { [field]: short });
  };
  if (!fits && entry.name.length > 100 && !splitName(entry.name)) move('name', 'path', entry.name.slice(0, 100));
  if (!fits && (entry.linkName ?? '').length > 100) move('linkName', 'linkpath', (entry.linkName ?? '').slice(0, 100));
  if (!fits && (entry.uid ?? 0) > 0o7777777) move('uid', 'uid', 0);
  if (!fits && (entry.gid ?? 0) > 0o7777777) move('gid', 'gid', 0);
  const { mtime = 0 } = entry;
  if (typeof mtime === 'string' || (!fits && (mtime < 0 || mtime > 0o77777777777))) move('mtime', 'mtime', 0);
  if (!fits && body.length > 0o77777777777) records.push(['size', String(body.length)]);
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records.push([`SCHILY.xattr.${name}`, value]);
  const data = entry.sparse === undefined ? body : paxSparse(entry.sparse, entry.name, body, records);
  records.push(...(entry.pax ?? []));
  return [header, records, data];
}

function paxSparse(
  { form, size, segments }: SparseSpec,
  name: string,
  body: Uint8Array,
  records: PaxPair[],
): Uint8Array {
  const numbers = segments.flatMap(({ offset, length }) => [offset, length]);
  if (form === '1.0') {
    records.push(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0']);
    records.push(['GNU.sparse.name', name], ['GNU.sparse.realsize', String(size)]);
    return concat([pad(bytes([segments.length, ...numbers].map((n) => `${n}\n`).join(''))), body]);
  }
  records.push(['GNU.sparse.size', String(size)], ['GNU.sparse.numblocks', String(segments.length)]);
  if (form === '0.1') records.push(['GNU.sparse.name', name], ['GNU.sparse.map', numbers.join(',')]);
  else {
    for (const { offset, length } of segments) {
      records.push(['GNU.sparse.offset', String(offset)], ['GNU.sparse.numbytes', String(length)]);
    }
  }
  return body;
}

function oldGnuSparse(entry: TarEntry, { size, segments }: SparseSpec, body: Uint8Array): Uint8Array {
  const putAll = (target: Uint8Array, at: number, part: SparseSpec['segments']): void => {
    part.forEach(({ offset, length }, i) => {
      putNumber(target, at + 24 * i, 12, offset, true);
      putNumber(target, at + 24 * i + 12, 12, length, true);
    });
  };
  const extensions: Uint8Array[] = [];
  for (let i = 4; i < segments.length; i += 21) {
    const extension = new Uint8Array(BLOCK);
    putAll(extension, 0, segments.slice(i, i + 21));
    if (i + 21 < segments.length) extension[504] = 1;
    extensions.push(extension);
  }
  const edit = (header: Uint8Array): void => {
    putAll(header, 386, segments.slice(0, 4));
    if (segments.length > 4) header[482] = 1;
    putNumber(header, 483, 12, size, true);
    entry.edit?.(header);
  };
  const whole = block({ ...entry, type: 'sparse', format: 'gnu', edit }, body);
  return concat([whole.subarray(0, BLOCK), ...extensions, whole.subarray(BLOCK)]);
}

function gnuLong(type: 'L' | 'K', text: ByteString): Uint8Array {
  return block({ name: '././@LongLink', type, format: 'gnu' }, bytes(`${text}\0`));
}

/** A header block, its body and the body's padding. */
function block(entry: TarEntry, body: Uint8Array): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const type = entry.type ?? 'file';
  const format = entry.format ?? 'pax';
  const long = format === 'gnu';
  putName(header, entry.name, format);
  putNumber(header, 100, 8, entry.mode ?? (type === 'directory' ? 0o755 : 0o644), long);
  putNumber(header, 108, 8, entry.uid ?? 0, long);
  putNumber(header, 116, 8, entry.gid ?? 0, long);
  putNumber(header, 124, 12, entry.declaredSize ?? body.length, long);
  putNumber(header, 136, 12, typeof entry.mtime === 'number' ? entry.mtime : 0, long);
  header.set(bytes(type in FLAGS ? FLAGS[type as keyof typeof FLAGS] : type), 156);
  header.set(bytes((entry.linkName ?? '').slice(0, 100)), 157);
  if (format !== 'v7') {
    header.set(bytes(long ? 'ustar  \0' : 'ustar\x0000'), 257);
    header.set(bytes(entry.uname ?? ''), 265);
    header.set(bytes(entry.gname ?? ''), 297);
    putNumber(header, 329, 8, entry.deviceMajor ?? 0, long);
    putNumber(header, 337, 8, entry.deviceMinor ?? 0, long);
  }
  entry.edit?.(header);
  setChecksum(header, entry.checksum);
  entry.damage?.(header);
  return concat([header, pad(body)]);
}

function putName(header: Uint8Array, name: ByteString, format: TarFormat): void {
  const split = format === 'ustar' || format === 'pax' ? splitName(name) : undefined;
  if (format === 'ustar' && name.length > 100 && split === undefined) throw new Error(`ustar cannot hold ${name}`);
  header.set(bytes((split?.[1] ?? name).slice(0, 100)), 0);
  if (split !== undefined) header.set(bytes(split[0]), 345);
}

/** A long name as ustar's prefix and name, where it can be split. */
function splitName(name: ByteString): [string, string] | undefined {
  if (name.length <= 100) return undefined;
  const slash = name.indexOf('/', name.length - 101);
  return slash > 0 && slash <= 155 && slash < name.length - 1
    ? [name.slice(0, slash), name.slice(slash + 1)]
    : undefined;
}

/** Octal with a closing NUL; in GNU's base-256 where it does not fit or is negative, and the form has that. */
export function putNumber(target: Uint8Array, at: number, length: number, value: number, base256: boolean): void {
  const octal = value.toString(8);
  if (value >= 0 && octal.length < length) {
    target.set(bytes(`${octal.padStart(length - 1, '0')}\0`), at);
    return;
  }
  if (!base256) throw new Error(`${value} does not fit ${length} octal characters`);
  let rest = BigInt(value);
  for (let i = at + length - 1; i >= at; i--) {
    target[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (value >= 0) target[at] = (target[at] ?? 0) | 0x80;
}

function pad(body: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(body.length / BLOCK) * BLOCK);
  padded.set(body);
  return padded;
}
