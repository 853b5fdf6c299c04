import { type ByteString, byteString } from '../bytes.ts';
import { type Column, f64Column, narrowed, type Numbers, u8Column, u16Column, u32Column } from '../columns.ts';
import type { DataSegment, EntryType, LayerEntry, Xattr } from './entry.ts';
import { xattrSetAt, type XattrSets, XattrSetsBuilder } from './xattr-sets.ts';

const NO_XATTRS: readonly Xattr[] = [];

/** The columns of a layer index that hold one number an entry, each as wide as its numbers need. */
export interface EntryColumns {
  readonly type: Numbers;
  readonly mode: Numbers;
  readonly uid: Numbers;
  readonly gid: Numbers;
  readonly mtimeSeconds: Numbers;
  readonly mtimeNanoseconds: Numbers;
  readonly size: Numbers;
  readonly dataOffset: Numbers;
  readonly deviceMajor: Numbers;
  readonly deviceMinor: Numbers;
  readonly headerOffset: Numbers;
  /** Where the entry's path ends in `pathBytes`; it begins where the one before ends. */
  readonly pathEnd: Numbers;
  readonly linkPathEnd: Numbers;
  /** Where the entry's segments end in `segments`, counted in segments. */
  readonly segmentsEnd: Numbers;
  /** 0 for none, else 1 + the number in `xattrSets`. */
  readonly xattrSet: Numbers;
}

/** Everything a layer says, in its order, as columns: see LayerEntry for the meaning and unit of each. */
export interface LayerIndex extends EntryColumns {
  readonly count: number;
  readonly pathBytes: Uint8Array;
  readonly linkPathBytes: Uint8Array;
  /** Pairs of offset and length, in bytes of the file. */
  readonly segments: Float64Array;
  /** The distinct xattr sets, each sorted by name in byte order. */
  readonly xattrSets: XattrSets;
}

/** The path of entry `entry` as bytes, without a copy. */
export function entryPathBytes(index: LayerIndex, entry: number): Uint8Array {
  return index.pathBytes.subarray(startOf(index.pathEnd, entry), index.pathEnd[entry]);
}

export function entryPath(index: LayerIndex, entry: number): ByteString {
  return byteString(entryPathBytes(index, entry));
}

export function entryLinkPathBytes(index: LayerIndex, entry: number): Uint8Array {
  return index.linkPathBytes.subarray(startOf(index.linkPathEnd, entry), index.linkPathEnd[entry]);
}

export function entryXattrs(index: LayerIndex, entry: number): readonly Xattr[] {
  const set = index.xattrSet[entry] ?? 0;
  return set === 0 ? NO_XATTRS : xattrSetAt(index.xattrSets, set - 1);
}

/** The data segments of entry `entry`; a file that is not sparse is one segment, an empty one none. */
export function entrySegments(index: LayerIndex, entry: number): DataSegment[] {
  const size = index.size[entry] ?? 0;
  if (!isSparse(index, entry)) return size === 0 ? [] : [{ offset: 0, length: size }];
  const segments: DataSegment[] = [];
  const end = index.segmentsEnd[entry] ?? 0;
  for (let i = startOf(index.segmentsEnd, entry); i < end; i++) {
    const length = index.segments[2 * i + 1] ?? 0;
    if (length > 0) segments.push({ offset: index.segments[2 * i] ?? 0, length });
  }
  return segments;
}

/** Whether entry `entry` came with a map of its data. */
export function isSparse(index: LayerIndex, entry: number): boolean {
  return startOf(index.segmentsEnd, entry) !== index.segmentsEnd[entry];
}

function startOf(ends: Numbers, entry: number): number {
  return entry === 0 ? 0 : (ends[entry - 1] ?? 0);
}

/** Gathers entries into a LayerIndex. */
export class LayerIndexBuilder {
  readonly #type = u8Column();
  readonly #mode = u16Column();
  readonly #uid = u32Column();
  readonly #gid = u32Column();
  readonly #mtimeSeconds = f64Column();
  readonly #mtimeNanoseconds = u32Column();
  readonly #size = f64Column();
  readonly #dataOffset = f64Column();
  readonly #deviceMajor = u32Column();
  readonly #deviceMinor = u32Column();
  readonly #headerOffset = f64Column();
  readonly #pathEnd = u32Column();
  readonly #pathBytes = u8Column();
  readonly #linkPathEnd = u32Column();
  readonly #linkPathBytes = u8Column();
  readonly #segmentsEnd = u32Column();
  readonly #segments = f64Column();
  readonly #xattrSet = u32Column();
  readonly #xattrSets = new XattrSetsBuilder();

  /** Appends one entry. */
  add(entry: LayerEntry): void {
    this.#type.push(entry.type satisfies EntryType);
    this.#mode.push(entry.mode);
    this.#uid.push(entry.uid);
    this.#gid.push(entry.gid);
    this.#mtimeSeconds.push(entry.mtimeSeconds);
    this.#mtimeNanoseconds.push(entry.mtimeNanoseconds);
    this.#size.push(entry.size);
    this.#dataOffset.push(entry.dataOffset);
    this.#deviceMajor.push(entry.deviceMajor);
    this.#deviceMinor.push(entry.deviceMinor);
    this.#headerOffset.push(entry.headerOffset);
    append(this.#pathBytes, entry.path);
    this.#pathEnd.push(this.#pathBytes.length);
    append(this.#linkPathBytes, entry.linkPath);
    this.#linkPathEnd.push(this.#linkPathBytes.length);
    this.#addSegments(entry);
    this.#xattrSet.push(entry.xattrs.length === 0 ? 0 : 1 + this.#xattrSets.add(entry.xattrs));
  }

  /** The index; nothing may be added behind it. */
  finish(): LayerIndex {
    return {
      count: this.#type.length,
      type: finished(this.#type),
      mode: finished(this.#mode),
      uid: finished(this.#uid),
      gid: finished(this.#gid),
      mtimeSeconds: finished(this.#mtimeSeconds),
      mtimeNanoseconds: finished(this.#mtimeNanoseconds),
      size: finished(this.#size),
      dataOffset: finished(this.#dataOffset),
      deviceMajor: finished(this.#deviceMajor),
      deviceMinor: finished(this.#deviceMinor),
      headerOffset: finished(this.#headerOffset),
      pathEnd: finished(this.#pathEnd),
      pathBytes: this.#pathBytes.trimmed(),
      linkPathEnd: finished(this.#linkPathEnd),
      linkPathBytes: this.#linkPathBytes.trimmed(),
      segmentsEnd: finished(this.#segmentsEnd),
      segments: this.#segments.trimmed(),
      xattrSet: finished(this.#xattrSet),
      xattrSets: this.#xattrSets.finish(),
    };
  }

  /** A sparse file of holes alone keeps one empty segment, so that it is told from a file without a map. */
  #addSegments(entry: LayerEntry): void {
    const segments = entry.segments?.length === 0 ? [{ offset: 0, length: 0 }] : (entry.segments ?? []);
    for (const { offset, length } of segments) {
      this.#segments.push(offset);
      this.#segments.push(length);
    }
    this.#segmentsEnd.push(this.#segments.length / 2);
  }
}

function append(column: Column<Uint8Array>, text: ByteString): void {
  const start = column.extend(text.length);
  for (let i = 0; i < text.length; i++) column.values[start + i] = text.charCodeAt(i);
}

/** The values of a column that is no longer needed: what it had room for is given back before the next one is made narrow. */
function finished(column: Column<Numbers>): Numbers {
  const values = narrowed(column.trimmed());
  column.clear();
  return values;
}
