import type { ByteString } from '../bytes.ts';
import type { DataSegment } from '../layer/entry.ts';
import { BLOCK_BYTES, headerField, headerForm } from './header.ts';
import { FILE_BYTES_MAX, SPARSE_SEGMENTS_MAX } from './limits.ts';
import { decimalNumber } from './number.ts';
import type { PaxState } from './pax.ts';
import type { TarPlace } from './place.ts';
import { readRange, type TarReading, type TarSource } from './source.ts';

/** A sparse file as its tar describes it; the segments' bytes follow each other from `dataOffset`. */
export interface SparseFile {
  /** With its holes, in bytes. */
  readonly size: number;
  readonly segments: readonly DataSegment[];
  /** In bytes of the tar. */
  readonly dataOffset: number;
}

/** Enough digits for every number up to 2^53. */
const MAP_DIGITS_MAX = 16;

/** struct oldgnu_header and struct sparse_header of GNU tar: pairs of offset and numbytes, 12 bytes each. */
const OldGnu = {
  sp: { offset: 386, count: 4 },
  isextended: 482,
  realsize: { name: 'realsize', offset: 483, length: 12 },
  extension: { offset: 0, count: 21, isextended: 504 },
} as const;

/** The map of a type `S` header: four segments in the block at `headerOffset`, more in the extension blocks behind it. */
export function* readOldGnuSparse(
  source: TarSource,
  headerOffset: number,
  header: Uint8Array,
  storedSize: number,
): TarReading<SparseFile> {
  const { place } = source;
  if (headerForm(header) !== 'gnu')
    throw place.error('layer-unsupported', "a sparse file (type S) that is not GNU tar's");
  const size = headerField(header, OldGnu.realsize, place);
  const map = new SparseMap(size, place);
  addOldGnu(map, header, OldGnu.sp.offset, OldGnu.sp.count, place);
  let isExtended = header[OldGnu.isextended] !== 0;
  let dataOffset = headerOffset + BLOCK_BYTES;
  while (isExtended) {
    const block = yield* readRange(source, dataOffset, BLOCK_BYTES);
    addOldGnu(map, block, OldGnu.extension.offset, OldGnu.extension.count, place);
    isExtended = block[OldGnu.extension.isextended] !== 0;
    dataOffset += BLOCK_BYTES;
  }
  return { size, segments: map.finish(storedSize), dataOffset };
}

/** Adds a block's pairs to `map`, up to a blank one. */
function addOldGnu(map: SparseMap, block: Uint8Array, at: number, count: number, place: TarPlace): void {
  for (let i = 0; i < count; i++) {
    const offset = at + 24 * i;
    if (block[offset] === 0 || block[offset + 12] === 0) return;
    map.add(headerField(block, { name: 'sparse offset', offset, length: 12 }, place));
    map.add(headerField(block, { name: 'sparse numbytes', offset: offset + 12, length: 12 }, place));
  }
}

/** The map that the PAX records of GNU tar 0.0, 0.1 or 1.0 describe; `undefined` when the file is not sparse. */
export function* readPaxSparse(
  source: TarSource,
  bodyOffset: number,
  pax: PaxState,
  storedSize: number,
): TarReading<SparseFile | undefined> {
  const { place } = source;
  const version = `${pax.get('GNU.sparse.major') ?? '0'}.${pax.get('GNU.sparse.minor') ?? '0'}`;
  if (version !== '0.0' && version !== '0.1' && version !== '1.0') {
    throw place.error('layer-unsupported', 'a sparse file of an unknown version, 0.0, 0.1 and 1.0 are known');
  }
  const text = pax.get('GNU.sparse.realsize') ?? pax.get('GNU.sparse.size');
  if (text === undefined && version !== '1.0') return undefined;
  const size = text === undefined ? undefined : decimalNumber(text);
  if (size === undefined) throw place.error('layer-corrupt', 'a sparse file without a size in decimal digits');
  const map = new SparseMap(size, place);
  if (version === '1.0') {
    const mapLength = yield* readBodyMap(source, bodyOffset, storedSize, map);
    return { size, segments: map.finish(storedSize - mapLength), dataOffset: bodyOffset + mapLength };
  }
  const list = pax.get('GNU.sparse.map');
  if (list === undefined) addRepeated(map, pax, place);
  else for (const number of list.split(',')) map.add(mapNumber(number, place));
  const count = pax.get('GNU.sparse.numblocks');
  if (count !== undefined && decimalNumber(count) !== map.count) {
    throw place.error('layer-corrupt', `a sparse map of ${map.count} segments that declares another number`);
  }
  return { size, segments: map.finish(storedSize), dataOffset: bodyOffset };
}

/** Version 0.0 repeats two keywords in turn. */
function addRepeated(map: SparseMap, pax: PaxState, place: TarPlace): void {
  let expected = 'GNU.sparse.offset';
  for (const [keyword, value] of pax.local) {
    if (keyword !== 'GNU.sparse.offset' && keyword !== 'GNU.sparse.numbytes') continue;
    if (keyword !== expected)
      throw place.error('layer-corrupt', `a sparse map with ${keyword} where ${expected} is due`);
    map.add(mapNumber(value, place));
    expected = keyword === 'GNU.sparse.offset' ? 'GNU.sparse.numbytes' : 'GNU.sparse.offset';
  }
}

function mapNumber(text: ByteString, place: TarPlace): number {
  const value = decimalNumber(text);
  if (value === undefined)
    throw place.error('layer-corrupt', 'a sparse map with something that is not a decimal number');
  return value;
}

/**
 * Version 1.0 has its map at the beginning of the body: decimal lines, first the number of segments, then the offset
 * and length of each, padded to a block. Returns the map's length in bytes with its padding.
 */
function* readBodyMap(source: TarSource, bodyOffset: number, storedSize: number, map: SparseMap): TarReading<number> {
  const { place } = source;
  let length = 0;
  let line = '';
  let due: number | undefined;
  while (due === undefined || map.numbers < due) {
    if (length + BLOCK_BYTES > storedSize)
      throw place.error('layer-corrupt', 'a sparse map that does not end in its file');
    const block = yield* readRange(source, bodyOffset + length, BLOCK_BYTES);
    length += BLOCK_BYTES;
    for (let i = 0; i < BLOCK_BYTES && (due === undefined || map.numbers < due); i++) {
      const byte = block[i] ?? 0;
      if (byte !== 0x0a) {
        // Without a limit a line could grow as long as the file.
        if (line.length === MAP_DIGITS_MAX)
          throw place.error('layer-corrupt', 'a sparse map with a line that is no number');
        line += String.fromCharCode(byte);
        continue;
      }
      const value = mapNumber(line, place);
      line = '';
      if (due !== undefined) map.add(value);
      else due = 2 * map.checkedCount(value);
    }
  }
  return length;
}

/** Gathers a file's segments, given as offset, length, offset, …, and checks them. */
class SparseMap {
  readonly #size: number;
  readonly #place: TarPlace;
  readonly #segments: DataSegment[] = [];
  #offset: number | undefined;
  #end = 0;
  #stored = 0;
  /** How many numbers were added: two a segment. */
  numbers = 0;

  constructor(size: number, place: TarPlace) {
    if (size < 0) throw place.error('layer-corrupt', `a sparse file of ${size} bytes`);
    if (size > FILE_BYTES_MAX)
      throw place.error('limit-exceeded', `a file of ${size} bytes, at most ${FILE_BYTES_MAX} are supported`);
    this.#size = size;
    this.#place = place;
  }

  /** The whole segments so far, empty ones too. */
  get count(): number {
    return Math.floor(this.numbers / 2);
  }

  checkedCount(count: number): number {
    if (count < 0) throw this.#place.error('layer-corrupt', `a sparse map of ${count} segments`);
    if (count <= SPARSE_SEGMENTS_MAX) return count;
    throw this.#place.error(
      'limit-exceeded',
      `a sparse map of ${count} segments, at most ${SPARSE_SEGMENTS_MAX} are supported`,
    );
  }

  add(value: number): void {
    this.numbers++;
    if (this.#offset === undefined) {
      this.checkedCount(this.count + 1);
      this.#offset = value;
      return;
    }
    const offset = this.#offset;
    this.#offset = undefined;
    if (offset < this.#end || value < 0 || offset + value > this.#size) {
      const what = `a sparse segment of ${value} bytes at ${offset}, expected between ${this.#end} and the file's end at ${this.#size}`;
      throw this.#place.error('layer-corrupt', what);
    }
    this.#end = offset + value;
    this.#stored += value;
    if (value > 0) this.#segments.push({ offset, length: value });
  }

  /** The segments; their bytes must be exactly what the tar stores. */
  finish(storedSize: number): DataSegment[] {
    if (this.#offset !== undefined) throw this.#place.error('layer-corrupt', 'a sparse map that ends within a segment');
    if (this.#stored !== storedSize) {
      throw this.#place.error(
        'layer-corrupt',
        `sparse segments of ${this.#stored} bytes with ${storedSize} bytes of data`,
      );
    }
    return this.#segments;
  }
}
