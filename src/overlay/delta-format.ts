import { crc32c } from 'ext2fs-wasm';
import { bytes, high32, low32, struct, u32 } from '../core/struct.ts';
import { BLOCK_BYTES } from './block-map.ts';
import { BOOT_ID_BYTES } from './boot-id.ts';

/** Of this format; another is refused. docs/delta-format.md describes it. */
export const DELTA_VERSION = 1;
/** What a delta begins with. */
export const DELTA_MAGIC = new TextEncoder().encode('BLKDELTA');
const PAGE_MAGIC = 0x5041_4d44;
const CRC_SEED = 0xffff_ffff;

/** The beginning of the file, in each of its first two units. */
export const DeltaHeader = struct('delta_header', 0x64, {
  magic: bytes(0x00, 8),
  version: u32(0x08),
  unit_size: u32(0x0c),
  image_size_lo: u32(0x10),
  image_size_hi: u32(0x14),
  base_digest: bytes(0x18, 32),
  chain_id: bytes(0x38, 8),
  generation_lo: u32(0x40),
  generation_hi: u32(0x44),
  first_page: u32(0x48),
  synced_records: u32(0x4c),
  boot_id: bytes(0x50, BOOT_ID_BYTES),
  checksum: u32(0x60),
});

/** The beginning of a page of the map; records follow. */
const MapPage = struct('map_page', 0x20, {
  magic: u32(0x00),
  checksum: u32(0x04),
  chain_id: bytes(0x08, 8),
  index: u32(0x10),
  next_page: u32(0x14),
});

/** Some blocks in order: zero, or in units. */
const MapRecord = struct('map_record', 16, {
  block: u32(0x0),
  count: u32(0x4),
  value: u32(0x8),
  checksum: u32(0xc),
});

export const PAGE_RECORDS_MAX = Math.floor((BLOCK_BYTES - MapPage.size) / MapRecord.size);

export interface Header {
  /** In bytes. */
  readonly imageSize: number;
  /** 32 bytes. */
  readonly baseDigest: Uint8Array;
  /** 8 random bytes that all pages of the chain have. */
  readonly chainId: Uint8Array;
  /** The header with the higher one holds; it is in the unit of this modulo 2. */
  readonly generation: number;
  /** The unit of the first page. */
  readonly firstPage: number;
  /** How many records of the chain are on the disk, with the data they lead to; without them the file is damaged. */
  readonly syncedRecords: number;
  /** Of the boot in which later records are to be trusted, the one that writes them; NO_BOOT for none. */
  readonly bootId: Uint8Array;
}

/** A run of blocks: zero, or in units from `value` on. */
export interface MapRun {
  readonly block: number;
  readonly count: number;
  readonly value: number;
}

export interface Page {
  /** The unit where the next page is, or will be when this one is full. */
  readonly next: number;
  readonly runs: readonly MapRun[];
}

export function encodeHeader(header: Header): Uint8Array {
  const out = new Uint8Array(DeltaHeader.size);
  const view = new DataView(out.buffer);
  DeltaHeader.write(view, 0, {
    magic: DELTA_MAGIC,
    version: DELTA_VERSION,
    unit_size: BLOCK_BYTES,
    image_size_lo: low32(header.imageSize),
    image_size_hi: high32(header.imageSize),
    base_digest: header.baseDigest,
    chain_id: header.chainId,
    generation_lo: low32(header.generation),
    generation_hi: high32(header.generation),
    first_page: header.firstPage,
    synced_records: header.syncedRecords,
    boot_id: header.bootId,
  });
  DeltaHeader.write(view, 0, { checksum: headerChecksum(out) });
  return out;
}

/** The header in DeltaHeader.size bytes whose magic and version were looked at, or undefined where its checksum is wrong. */
export function decodeHeader(from: Uint8Array): Header | undefined {
  const { fields } = DeltaHeader;
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const number = (field: { offset: number }): number => view.getUint32(field.offset, true);
  const slice = ({ offset, size }: { offset: number; size: number }): Uint8Array => from.slice(offset, offset + size);
  if (number(fields.checksum) !== headerChecksum(from)) return undefined;
  return {
    imageSize: number(fields.image_size_hi) * 2 ** 32 + number(fields.image_size_lo),
    baseDigest: slice(fields.base_digest),
    chainId: slice(fields.chain_id),
    generation: number(fields.generation_hi) * 2 ** 32 + number(fields.generation_lo),
    firstPage: number(fields.first_page),
    syncedRecords: number(fields.synced_records),
    bootId: slice(fields.boot_id),
  };
}

function headerChecksum(header: Uint8Array): number {
  return crc32c(CRC_SEED, header.subarray(0, DeltaHeader.fields.checksum.offset));
}

/** The page of a chain with that index, BLOCK_BYTES long; at most PAGE_RECORDS_MAX runs. */
export function encodePage(chainId: Uint8Array, index: number, { next, runs }: Page): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(out.buffer);
  MapPage.write(view, 0, { magic: PAGE_MAGIC, chain_id: chainId, index, next_page: next });
  MapPage.write(view, 0, { checksum: pageChecksum(out) });
  runs.forEach((run, i) => putRecord(out, i, run));
  return out;
}

/** Puts a record in a page at that index, and returns where in the page it is, in bytes. */
export function putRecord(
  page: Uint8Array,
  index: number,
  { block, count, value }: MapRun,
): { at: number; end: number } {
  const { fields, size } = MapRecord;
  const at = MapPage.size + index * size;
  const view = new DataView(page.buffer, page.byteOffset + at, size);
  view.setUint32(fields.block.offset, block, true);
  view.setUint32(fields.count.offset, count, true);
  view.setUint32(fields.value.offset, value, true);
  view.setUint32(fields.checksum.offset, recordChecksum(page, at), true);
  return { at, end: at + size };
}

/**
 * The page with its records up to the first that is not whole. Undefined when `from`, BLOCK_BYTES long, does not begin as
 * the page of the chain with that index.
 */
export function decodePage(from: Uint8Array, chainId: Uint8Array, index: number): Page | undefined {
  const { fields } = MapPage;
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const number = (at: number): number => view.getUint32(at, true);
  if (number(fields.magic.offset) !== PAGE_MAGIC || number(fields.index.offset) !== index) return undefined;
  if (Buffer.compare(from.subarray(fields.chain_id.offset, fields.index.offset), chainId) !== 0) return undefined;
  if (number(fields.checksum.offset) !== pageChecksum(from)) return undefined;
  const runs: MapRun[] = [];
  for (let i = 0; i < PAGE_RECORDS_MAX; i++) {
    const at = MapPage.size + i * MapRecord.size;
    const run = { block: number(at), count: number(at + 4), value: number(at + 8) };
    // Room that no record was written to is zeros, whatever their checksum.
    if (run.count === 0 || number(at + MapRecord.fields.checksum.offset) !== recordChecksum(from, at)) break;
    runs.push(run);
  }
  return { next: number(fields.next_page.offset), runs };
}

function pageChecksum(page: Uint8Array): number {
  return crc32c(CRC_SEED, page.subarray(MapPage.fields.chain_id.offset, MapPage.size));
}

/** Of the record at byte `at`. It begins with the page's, so that no record is taken for one of another page. */
function recordChecksum(page: Uint8Array, at: number): number {
  const { offset } = MapPage.fields.checksum;
  const seed = new DataView(page.buffer, page.byteOffset + offset).getUint32(0, true);
  return crc32c(seed, page.subarray(at, at + MapRecord.fields.checksum.offset));
}
