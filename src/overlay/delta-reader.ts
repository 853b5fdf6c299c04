import { ImageError } from '../core/errors.ts';
import { u32Column } from '../core/columns.ts';
import { BLOCK_BYTES, BlockMap, FIRST_UNIT, ZERO } from './block-map.ts';
import { NO_BOOT } from './boot-id.ts';
import type { DeltaFile } from './delta-file.ts';
import {
  decodeHeader,
  decodePage,
  DELTA_MAGIC,
  DELTA_VERSION,
  DeltaHeader,
  type Header,
  type MapRun,
  PAGE_RECORDS_MAX,
} from './delta-format.ts';
import type { DeltaState } from './kept-delta.ts';
import { UnitAllocator } from './unit-allocator.ts';

/** The base that a delta belongs to: its size in bytes, and its fs-verity digest, 32 bytes. */
export interface DeltaBase {
  readonly size: number;
  readonly digest: Uint8Array;
}

/**
 * Reads the map of a delta: in the boot in which it was written up to the last record that is whole, later only what was
 * synced. `boot` is the boot id of now, and `path` for messages. Memory goes with the size of the image and of the map.
 * Throws `delta-corrupt` or `delta-mismatch`.
 */
export function readDelta(file: DeltaFile, base: DeltaBase, path: string, boot: Uint8Array): DeltaState {
  const header = readHeader(file, path);
  checkBase(header, base, path);
  const map = new BlockMap(Math.ceil(base.size / BLOCK_BYTES));
  const pages: number[] = [];
  const bytes = new Uint8Array(BLOCK_BYTES);
  const recordsMax = isSameBoot(header.bootId, boot) ? Number.POSITIVE_INFINITY : header.syncedRecords;
  let records = 0;
  for (let unit = header.firstPage, isFull = true; isFull && records < recordsMax; ) {
    const page = isInFile(file, unit, 1) ? readPage(file, unit, bytes, header, pages.length) : undefined;
    if (page === undefined) break;
    for (const run of page.runs.slice(0, recordsMax - records)) {
      if (!isSound(run, map, file)) throw corrupt(path, unit * BLOCK_BYTES, describeRun(run));
      map.set(run.block, run.count, run.value);
      records++;
    }
    pages.push(unit);
    unit = page.next;
    isFull = page.runs.length === PAGE_RECORDS_MAX;
  }
  if (records < header.syncedRecords)
    throw corrupt(path, undefined, `it has ${records} records of its map, expected ${header.syncedRecords}`);
  const allocator = allocatorOf(map, pages);
  if (allocator === undefined) throw corrupt(path, undefined, 'two blocks or pages are in the same place');
  return { header, map, records, allocator, pages, boot };
}

function isSameBoot(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0 && Buffer.compare(one, NO_BOOT) !== 0;
}

function readHeader(file: DeltaFile, path: string): Header {
  if (file.size < 2 * BLOCK_BYTES)
    throw corrupt(path, undefined, `it has ${file.size} bytes, expected ${2 * BLOCK_BYTES} or more`);
  const bytes = new Uint8Array(DeltaHeader.size);
  const headers: Header[] = [];
  let problem = '';
  for (const at of [0, BLOCK_BYTES]) {
    file.read(at, bytes);
    const header = decodeHeader(bytes);
    const version = new DataView(bytes.buffer).getUint32(DeltaHeader.fields.version.offset, true);
    if (Buffer.compare(bytes.subarray(0, DELTA_MAGIC.length), DELTA_MAGIC) !== 0) problem ||= 'it is no delta';
    else if (version !== DELTA_VERSION)
      problem ||= `it has version ${version} of the format, expected ${DELTA_VERSION}`;
    else if (header === undefined) problem ||= 'its header has a wrong checksum';
    else headers.push(header);
  }
  const [first, second] = headers;
  if (first === undefined) throw corrupt(path, undefined, problem);
  return second !== undefined && second.generation > first.generation ? second : first;
}

function checkBase({ imageSize, baseDigest }: Header, base: DeltaBase, path: string): void {
  if (imageSize === base.size && Buffer.compare(baseDigest, base.digest) === 0) return;
  const found = `an image of ${imageSize} bytes with the fs-verity digest ${hex(baseDigest)}`;
  const expected = `this one has ${base.size} and ${hex(base.digest)}`;
  throw new ImageError('delta-mismatch', `it belongs to ${found}, ${expected}`, { reference: path });
}

function readPage(
  file: DeltaFile,
  unit: number,
  bytes: Uint8Array,
  header: Header,
  index: number,
): ReturnType<typeof decodePage> {
  file.read(unit * BLOCK_BYTES, bytes);
  return decodePage(bytes, header.chainId, index);
}

function isSound({ block, count, value }: MapRun, map: BlockMap, file: DeltaFile): boolean {
  const isInImage = count > 0 && block + count <= map.blocks;
  return isInImage && (value === ZERO || isInFile(file, value, count));
}

function isInFile(file: DeltaFile, unit: number, count: number): boolean {
  return unit >= FIRST_UNIT && (unit + count) * BLOCK_BYTES <= file.size;
}

function describeRun({ block, count, value }: MapRun): string {
  return `${count} blocks from ${block} on are at unit ${value}, outside of the image or of the file`;
}

/** Undefined when a unit is used twice. */
function allocatorOf(map: BlockMap, pages: readonly number[]): UnitAllocator | undefined {
  const starts = u32Column();
  const ends = u32Column();
  for (const { count, value } of map.runs()) {
    if (value === ZERO) continue;
    starts.push(value);
    ends.push(value + count);
  }
  for (const unit of pages) {
    starts.push(unit);
    ends.push(unit + 1);
  }
  return UnitAllocator.withUsed(starts.trimmed(), ends.trimmed());
}

function corrupt(path: string, offset: number | undefined, what: string): ImageError {
  return new ImageError('delta-corrupt', what, { reference: path, offset });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
