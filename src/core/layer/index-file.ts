import { crc32c } from 'ext2fs-wasm';
import type { Numbers } from '../columns.ts';
import { EntryType } from './entry.ts';
import type { EntryColumns, LayerIndex } from './layer-index.ts';
import { findXattrSets } from './xattr-sets.ts';

/** The version of the format, and of what readers put into an index: a change of either makes cached ones useless. */
export const INDEX_VERSION = 3;

/** `BLMINDEX` in ASCII. */
const MAGIC = [0x42, 0x4c, 0x4d, 0x49, 0x4e, 0x44, 0x45, 0x58];
/** Numbers stand as the host has them; a host of the other byte order reads another probe and turns away. */
const BYTE_ORDER_PROBE = 0x01020304;

const WIDTHS_OFFSET = 56;
const HEADER_BYTES = 72;
const TRAILER_BYTES = 4;
const ALIGNMENT = 8;

/** The columns with one number an entry, in the order of the file; the header has the width of each. */
const COLUMN_NAMES = [
  'mtimeSeconds',
  'size',
  'dataOffset',
  'headerOffset',
  'uid',
  'gid',
  'mtimeNanoseconds',
  'deviceMajor',
  'deviceMinor',
  'pathEnd',
  'linkPathEnd',
  'segmentsEnd',
  'xattrSet',
  'mode',
  'type',
] as const satisfies readonly (keyof EntryColumns)[];

/** By their bytes for each number. */
const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array } as const;
type Width = keyof typeof ARRAYS;

/** What the header counts, in its order, as float64 from byte 16. */
interface Counts {
  readonly entries: number;
  /** In float64s. */
  readonly segments: number;
  /** The others in bytes. */
  readonly pathBytes: number;
  readonly linkPathBytes: number;
  readonly xattrBytes: number;
}

interface FileHeader extends Counts {
  /** In bytes, by COLUMN_NAMES. */
  readonly widths: readonly Width[];
}

/**
 * A layer index as bytes: header, segments, columns, paths, xattr sets, each at a multiple of 8, and CRC-32C of all that
 * as the last word. Columns are as wide as their numbers need, in memory as in the file: loading is making views.
 */
export function encodeLayerIndex(index: LayerIndex): Uint8Array {
  const parts = [
    index.segments,
    ...COLUMN_NAMES.map((name) => index[name]),
    index.pathBytes,
    index.linkPathBytes,
    index.xattrSets.bytes,
  ];
  const bodyEnd = parts.reduce((end, part) => end + aligned(part.byteLength), HEADER_BYTES);
  const bytes = new Uint8Array(bodyEnd + TRAILER_BYTES);
  writeHeader(bytes, {
    entries: index.count,
    segments: index.segments.length,
    pathBytes: index.pathBytes.length,
    linkPathBytes: index.linkPathBytes.length,
    xattrBytes: index.xattrSets.bytes.length,
    widths: COLUMN_NAMES.map((name) => index[name].BYTES_PER_ELEMENT as Width),
  });
  let offset = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset);
    offset += aligned(part.byteLength);
  }
  new Uint32Array(bytes.buffer, bodyEnd, 1)[0] = crc32c(0, bytes.subarray(0, bodyEnd));
  return bytes;
}

/** The index that encodeLayerIndex made these bytes from; undefined for any others. May keep views of `bytes`. */
export function decodeLayerIndex(bytes: Uint8Array): LayerIndex | undefined {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES || bytes.length % 4 !== 0) return undefined;
  const file = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
  const header = readHeader(file);
  if (header === undefined || fileLength(header) !== file.length) return undefined;
  const bodyEnd = file.length - TRAILER_BYTES;
  const [checksum] = new Uint32Array(file.buffer, file.byteOffset + bodyEnd, 1);
  if (crc32c(0, file.subarray(0, bodyEnd)) !== checksum) return undefined;
  const index = readBody(file, header);
  return index !== undefined && isConsistent(index) ? index : undefined;
}

function writeHeader(bytes: Uint8Array, header: FileHeader): void {
  bytes.set(MAGIC);
  new Uint32Array(bytes.buffer, 8, 2).set([INDEX_VERSION, BYTE_ORDER_PROBE]);
  const { entries, segments, pathBytes, linkPathBytes, xattrBytes } = header;
  new Float64Array(bytes.buffer, 16, 5).set([entries, segments, pathBytes, linkPathBytes, xattrBytes]);
  bytes.set(header.widths, WIDTHS_OFFSET);
}

function readHeader(file: Uint8Array): FileHeader | undefined {
  if (MAGIC.some((byte, i) => file[i] !== byte)) return undefined;
  const [version, probe] = new Uint32Array(file.buffer, file.byteOffset + 8, 2);
  if (version !== INDEX_VERSION || probe !== BYTE_ORDER_PROBE) return undefined;
  const numbers = new Float64Array(file.buffer, file.byteOffset + 16, 5);
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0 || number > file.length)) return undefined;
  const [entries = 0, segments = 0, pathBytes = 0, linkPathBytes = 0, xattrBytes = 0] = numbers;
  const widths = Array.from(file.subarray(WIDTHS_OFFSET, WIDTHS_OFFSET + COLUMN_NAMES.length));
  if (!widths.every(isWidth)) return undefined;
  return { entries, segments, pathBytes, linkPathBytes, xattrBytes, widths };
}

const isWidth = (bytes: number): bytes is Width => bytes in ARRAYS;

function fileLength({ entries, segments, pathBytes, linkPathBytes, xattrBytes, widths }: FileHeader): number {
  let length = HEADER_BYTES + aligned(segments * Float64Array.BYTES_PER_ELEMENT);
  for (const width of widths) length += aligned(entries * width);
  return length + aligned(pathBytes) + aligned(linkPathBytes) + aligned(xattrBytes) + TRAILER_BYTES;
}

function readBody(file: Uint8Array, header: FileHeader): LayerIndex | undefined {
  let offset = file.byteOffset + HEADER_BYTES;
  const view = <W extends Width>(width: W, length: number): InstanceType<(typeof ARRAYS)[W]> => {
    const values = new ARRAYS[width](file.buffer as ArrayBuffer, offset, length);
    offset += aligned(values.byteLength);
    return values as InstanceType<(typeof ARRAYS)[W]>;
  };
  const segments = view(8, header.segments);
  const columns = COLUMN_NAMES.map((name, i) => [name, view(header.widths[i]!, header.entries)]);
  const pathBytes = view(1, header.pathBytes);
  const linkPathBytes = view(1, header.linkPathBytes);
  const xattrSets = findXattrSets(view(1, header.xattrBytes));
  if (xattrSets === undefined) return undefined;
  const entryColumns = Object.fromEntries(columns) as EntryColumns;
  return { ...entryColumns, count: header.entries, pathBytes, linkPathBytes, segments, xattrSets };
}

/** Whether no number in the index leads out of it. */
function isConsistent(index: LayerIndex): boolean {
  return (
    endsAscend(index.pathEnd, index.pathBytes.length) &&
    endsAscend(index.linkPathEnd, index.linkPathBytes.length) &&
    endsAscend(index.segmentsEnd, index.segments.length / 2) &&
    areWithin(index.xattrSet, 0, index.xattrSets.ends.length) &&
    areWithin(index.type, EntryType.file, EntryType.hardLink)
  );
}

/** What leads somewhere is a whole number. */
function areWithin(values: Numbers, min: number, max: number): boolean {
  if (values instanceof Float64Array) return false;
  for (let i = 0; i < values.length; i++) if (!(values[i]! >= min && values[i]! <= max)) return false;
  return true;
}

function endsAscend(ends: Numbers, total: number): boolean {
  if (ends instanceof Float64Array) return false;
  let last = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0;
    if (end < last) return false;
    last = end;
  }
  return last === total;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
