import { byteString, bytesOf } from '../bytes.ts';
import { EntryType, type Xattr } from './entry.ts';
import type { EntryColumns, LayerIndex } from './layer-index.ts';
import { xxh32 } from './xxh32.ts';

/** The version of the format, and of what readers put into an index: a change of either makes cached ones useless. */
export const INDEX_VERSION = 1;

/** `BLMINDEX` in ASCII. */
const MAGIC = [0x42, 0x4c, 0x4d, 0x49, 0x4e, 0x44, 0x45, 0x58];
/** Numbers stand as the host has them; a host of the other byte order reads another probe and turns away. */
const BYTE_ORDER_PROBE = 0x01020304;

const HEADER_BYTES = 64;
const TRAILER_BYTES = 4;
const ALIGNMENT = 8;

type ColumnArray = typeof Uint8Array | typeof Uint16Array | typeof Uint32Array | typeof Float64Array;

/** The columns with one number an entry, in the order of the file. */
const COLUMNS: { readonly [name in keyof EntryColumns]: ColumnArray } = {
  mtimeSeconds: Float64Array,
  size: Float64Array,
  dataOffset: Float64Array,
  headerOffset: Float64Array,
  uid: Uint32Array,
  gid: Uint32Array,
  mtimeNanoseconds: Uint32Array,
  deviceMajor: Uint32Array,
  deviceMinor: Uint32Array,
  pathEnd: Uint32Array,
  linkPathEnd: Uint32Array,
  segmentsEnd: Uint32Array,
  xattrSet: Uint32Array,
  mode: Uint16Array,
  type: Uint8Array,
};
const COLUMN_NAMES = Object.keys(COLUMNS) as (keyof EntryColumns)[];

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

/**
 * A layer index as bytes: header, segments, columns, paths, xattr sets, each at a multiple of 8, and XXH32 of all that
 * as the last word. Loading it is making views.
 */
export function encodeLayerIndex(index: LayerIndex): Uint8Array {
  const xattrBytes = encodeXattrSets(index.xattrSets);
  const parts = [
    index.segments,
    ...COLUMN_NAMES.map((name) => index[name]),
    index.pathBytes,
    index.linkPathBytes,
    xattrBytes,
  ];
  const bodyEnd = parts.reduce((end, part) => end + aligned(part.byteLength), HEADER_BYTES);
  const bytes = new Uint8Array(bodyEnd + TRAILER_BYTES);
  writeHeader(bytes, {
    entries: index.count,
    segments: index.segments.length,
    pathBytes: index.pathBytes.length,
    linkPathBytes: index.linkPathBytes.length,
    xattrBytes: xattrBytes.length,
  });
  let offset = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset);
    offset += aligned(part.byteLength);
  }
  new Uint32Array(bytes.buffer, bodyEnd, 1)[0] = xxh32(new Uint32Array(bytes.buffer, 0, bodyEnd / 4));
  return bytes;
}

/** The index that encodeLayerIndex made these bytes from; undefined for any others. May keep views of `bytes`. */
export function decodeLayerIndex(bytes: Uint8Array): LayerIndex | undefined {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES || bytes.length % 4 !== 0) return undefined;
  const file = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
  const counts = readHeader(file);
  const words = new Uint32Array(file.buffer, file.byteOffset, file.length / 4);
  if (counts === undefined || fileLength(counts) !== file.length) return undefined;
  if (xxh32(words.subarray(0, -1)) !== words[words.length - 1]) return undefined;
  const index = readBody(file, counts);
  return index !== undefined && isConsistent(index) ? index : undefined;
}

function writeHeader(bytes: Uint8Array, counts: Counts): void {
  bytes.set(MAGIC);
  new Uint32Array(bytes.buffer, 8, 2).set([INDEX_VERSION, BYTE_ORDER_PROBE]);
  const { entries, segments, pathBytes, linkPathBytes, xattrBytes } = counts;
  new Float64Array(bytes.buffer, 16, 5).set([entries, segments, pathBytes, linkPathBytes, xattrBytes]);
}

function readHeader(file: Uint8Array): Counts | undefined {
  if (MAGIC.some((byte, i) => file[i] !== byte)) return undefined;
  const [version, probe] = new Uint32Array(file.buffer, file.byteOffset + 8, 2);
  if (version !== INDEX_VERSION || probe !== BYTE_ORDER_PROBE) return undefined;
  const numbers = new Float64Array(file.buffer, file.byteOffset + 16, 5);
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0 || number > file.length)) return undefined;
  const [entries = 0, segments = 0, pathBytes = 0, linkPathBytes = 0, xattrBytes = 0] = numbers;
  return { entries, segments, pathBytes, linkPathBytes, xattrBytes };
}

function fileLength({ entries, segments, pathBytes, linkPathBytes, xattrBytes }: Counts): number {
  let length = HEADER_BYTES + aligned(segments * Float64Array.BYTES_PER_ELEMENT);
  for (const name of COLUMN_NAMES) length += aligned(entries * COLUMNS[name].BYTES_PER_ELEMENT);
  return length + aligned(pathBytes) + aligned(linkPathBytes) + aligned(xattrBytes) + TRAILER_BYTES;
}

function readBody(file: Uint8Array, counts: Counts): LayerIndex | undefined {
  let offset = file.byteOffset + HEADER_BYTES;
  const view = <T extends ColumnArray>(array: T, length: number): InstanceType<T> => {
    const values = new array(file.buffer as ArrayBuffer, offset, length);
    offset += aligned(values.byteLength);
    return values as InstanceType<T>;
  };
  const segments = view(Float64Array, counts.segments);
  const columns = Object.fromEntries(COLUMN_NAMES.map((name) => [name, view(COLUMNS[name], counts.entries)]));
  const pathBytes = view(Uint8Array, counts.pathBytes);
  const linkPathBytes = view(Uint8Array, counts.linkPathBytes);
  const xattrSets = decodeXattrSets(view(Uint8Array, counts.xattrBytes));
  if (xattrSets === undefined) return undefined;
  const entryColumns = columns as unknown as EntryColumns;
  return { ...entryColumns, count: counts.entries, pathBytes, linkPathBytes, segments, xattrSets };
}

/** Whether no number in the index leads out of it. */
function isConsistent(index: LayerIndex): boolean {
  return (
    endsAscend(index.pathEnd, index.pathBytes.length) &&
    endsAscend(index.linkPathEnd, index.linkPathBytes.length) &&
    endsAscend(index.segmentsEnd, index.segments.length / 2) &&
    index.xattrSet.every((set) => set <= index.xattrSets.length) &&
    index.type.every((type) => type >= EntryType.file && type <= EntryType.hardLink)
  );
}

function endsAscend(ends: Uint32Array, total: number): boolean {
  let last = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0;
    if (end < last) return false;
    last = end;
  }
  return last === total;
}

/** Each set: its count of xattrs; each xattr: the lengths of name and value, then both. Numbers are u32, little-endian. */
function encodeXattrSets(sets: LayerIndex['xattrSets']): Uint8Array {
  const length = sets.flat().reduce((sum, { name, value }) => sum + 8 + name.length + value.length, 4 * sets.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const set of sets) {
    view.setUint32(offset, set.length, true);
    offset += 4;
    for (const { name, value } of set) {
      view.setUint32(offset, name.length, true);
      view.setUint32(offset + 4, value.length, true);
      bytes.set(bytesOf(name), offset + 8);
      bytes.set(value, offset + 8 + name.length);
      offset += 8 + name.length + value.length;
    }
  }
  return bytes;
}

function decodeXattrSets(bytes: Uint8Array): Xattr[][] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sets: Xattr[][] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 4 > bytes.length) return undefined;
    const count = view.getUint32(offset, true);
    const set: Xattr[] = [];
    offset += 4;
    for (let i = 0; i < count; i++) {
      if (offset + 8 > bytes.length) return undefined;
      const nameEnd = offset + 8 + view.getUint32(offset, true);
      const valueEnd = nameEnd + view.getUint32(offset + 4, true);
      if (valueEnd > bytes.length) return undefined;
      set.push({ name: byteString(bytes.subarray(offset + 8, nameEnd)), value: bytes.subarray(nameEnd, valueEnd) });
      offset = valueEnd;
    }
    sets.push(set);
  }
  return sets;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
