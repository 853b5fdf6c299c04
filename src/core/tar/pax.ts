import type { ByteString } from '../bytes.ts';
import { PAX_GLOBAL_BYTES_MAX, PAX_GLOBAL_RECORDS_MAX } from './limits.ts';
import { decimalNumber } from './number.ts';
import type { TarPlace } from './place.ts';

/** The records of one extended header in their order; a keyword may come again. */
export type PaxRecord = readonly [keyword: ByteString, value: ByteString];

/**
 * The records of an extended header's body: `LENGTH KEYWORD=VALUE\n`, each length counting its whole record (POSIX.1-2017,
 * pax Extended Header). Values are bytes, newlines and NULs included. Throws `layer-corrupt` for anything else.
 */
export function parsePax(body: ByteString, place: TarPlace): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(' ', at);
    const length = space < 0 ? undefined : decimalNumber(body.slice(at, space));
    if (length === undefined) throw malformed(place, at, 'has no length');
    const end = at + length;
    const equals = body.indexOf('=', space);
    if (length <= 0 || end > body.length) throw malformed(place, at, `has a length of ${length}`);
    if (equals <= space + 1 || equals >= end) throw malformed(place, at, 'has no keyword');
    if (body.charCodeAt(end - 1) !== 0x0a) throw malformed(place, at, 'does not end in a newline');
    records.push([body.slice(space + 1, equals), body.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

function malformed(place: TarPlace, at: number, what: string): Error {
  return place.error('layer-corrupt', `the PAX record at byte ${at} of its extended header ${what}`);
}

/** All that are known, or `SCHILY.xattr.*` alone, as Go's archive/tar has it. */
export type XattrRecords = 'all' | 'schily';

/**
 * What the extended headers say about the next entry. A local record wins over a global one. An empty value deletes:
 * the entry keeps what its header block says, as in Go's archive/tar.
 */
export class PaxState {
  /** Which records extended attributes are taken from. */
  readonly xattrRecords: XattrRecords;
  readonly #global = new Map<ByteString, ByteString>();
  #globalLength = 0;
  #local: ReadonlyMap<ByteString, ByteString> = NOTHING;
  #localRecords: readonly PaxRecord[] = [];

  constructor(xattrRecords: XattrRecords = 'all') {
    this.xattrRecords = xattrRecords;
  }

  /** Records of a `g` header, in force until another one says otherwise. */
  setGlobal(records: readonly PaxRecord[], place: TarPlace): void {
    for (const [keyword, value] of records) {
      if (keyword.startsWith('GNU.sparse.')) {
        throw place.error('layer-unsupported', 'a global extended header describes a sparse file');
      }
      const old = this.#global.get(keyword);
      if (old !== undefined) this.#globalLength -= keyword.length + old.length;
      this.#globalLength += keyword.length + value.length;
      this.#global.set(keyword, value);
    }
    check('bytes', this.#globalLength, PAX_GLOBAL_BYTES_MAX, place);
    check('records', this.#global.size, PAX_GLOBAL_RECORDS_MAX, place);
  }

  /** Records of an `x` header, in force for the next entry; of two headers the later one counts, as in Go's archive/tar. */
  setLocal(records: readonly PaxRecord[]): void {
    this.#localRecords = records;
    this.#local = new Map(records);
  }

  /** Forgets the local records: their entry has been read. */
  clearLocal(): void {
    this.#localRecords = [];
    this.#local = NOTHING;
  }

  /** Whether there is nothing to apply. */
  get isEmpty(): boolean {
    return this.#local.size === 0 && this.#global.size === 0;
  }

  /** The local records in their order, for the forms that repeat a keyword. */
  get local(): readonly PaxRecord[] {
    return this.#localRecords;
  }

  /** The value in force for `keyword`; `undefined` when there is none or an empty one deletes it. */
  get(keyword: ByteString): ByteString | undefined {
    return (this.#local.get(keyword) ?? this.#global.get(keyword)) || undefined;
  }

  /** The records in force, the last of each keyword, empty ones too. */
  *records(): Generator<PaxRecord> {
    for (const record of this.#global) if (!this.#local.has(record[0])) yield record;
    yield* this.#local;
  }
}

const NOTHING: ReadonlyMap<ByteString, ByteString> = new Map();

function check(unit: string, count: number, max: number, place: TarPlace): void {
  if (count <= max) return;
  throw place.error('limit-exceeded', `global extended headers of ${count} ${unit}, at most ${max} are supported`);
}
