import { crc32c } from 'ext2fs-wasm';
import { bytes, high32, low32, struct, u32 } from '../core/struct.ts';
import { BLOCK_BYTES } from './block-map.ts';

/** Of this format; another is refused. docs/delta-format.md describes it. */
export const DELTA_VERSION = 1;
/** What a delta begins with. */
export const DELTA_MAGIC = new TextEncoder().encode('BLKDELTA');
const PAGE_MAGIC = 0x5041_4d44;
const CRC_SEED = 0xffff_ffff;

/** The beginning of the file, in each of its first two units. */
export const DeltaHeader = struct('delta_header', 0x50, {
  magic: bytes(0x00, 8),
  version: u32(0x08),
  unit_size: u32(0x0c),
  image_size_lo: u32(0x10),
  image_size_hi: u32(0x14),
  base_digest: bytes(0x18, 32),
  chain_id: bytes(0x38, 8),
  generation: u32(0x40),
  first_page: u32(0x44),
  checkpoint_pages: u32(0x48),
  checksum: u32(0x4c),
});

/** The beginning of a page of the map; records follow. */
const MapPage = struct('map_page', 0x20, {
  magic: u32(0x00),
  checksum: u32(0x04),
  chain_id: bytes(0x08, 8),
  index: u32(0x10),
  next_page: u32(0x14),
  record_count: u32(0x18),
});

/** Some blocks in order: zero, or in units. */
const MapRecord = struct('map_record', 12, { block: u32(0x0), count: u32(0x4), value: u32(0x8) });

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
  /** How many pages were there when the header was written; without them the file is damaged. */
  readonly checkpointPages: number;
}

/** A run of blocks: zero, or in units from `value` on. */
export interface MapRun {
  readonly block: number;
  readonly count: number;
  readonly value: number;
}

export interface Page {
  /** The unit where the next page is, or will be. */
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
    generation: header.generation,
    first_page: header.firstPage,
    checkpoint_pages: header.checkpointPages,
  });
  DeltaHeader.write(view, 0, { checksum: headerChecksum(out) });
  return out;
}

/** The header in DeltaHeader.size bytes whose magic and version were looked at, or undefined where its checksum is wrong. */
export function decodeHeader(from: Uint8Array): Header | undefined {
  const { fields } = DeltaHeader;
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const number = (field: { offset: number }): number => view.getUint32(field.offset, true);
  if (number(fields.checksum) !== headerChecksum(from)) return undefined;
  return {
    imageSize: number(fields.image_size_hi) * 2 ** 32 + number(fields.image_size_lo),
    baseDigest: from.slice(fields.base_digest.offset, fields.base_digest.offset + fields.base_digest.size),
    chainId: from.slice(fields.chain_id.offset, fields.chain_id.offset + fields.chain_id.size),
    generation: number(fields.generation),
    firstPage: number(fields.first_page),
    checkpointPages: number(fields.checkpoint_pages),
  };
}

function headerChecksum(header: Uint8Array): number {
  return crc32c(CRC_SEED, header.subarray(0, DeltaHeader.fields.checksum.offset));
}

/** The page of a chain with that index, BLOCK_BYTES long; at most PAGE_RECORDS_MAX runs. */
export function encodePage(chainId: Uint8Array, index: number, { next, runs }: Page): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(out.buffer);
  MapPage.write(view, 0, { magic: PAGE_MAGIC, chain_id: chainId, index, next_page: next, record_count: runs.length });
  runs.forEach((run, i) => MapRecord.write(view, MapPage.size + i * MapRecord.size, { ...run }));
  MapPage.write(view, 0, { checksum: pageChecksum(out) });
  return out;
}

/** The page, or undefined when `from`, BLOCK_BYTES long, is not the whole page of the chain with that index. */
export function decodePage(from: Uint8Array, chainId: Uint8Array, index: number): Page | undefined {
  const { fields } = MapPage;
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const number = (at: number): number => view.getUint32(at, true);
  const count = number(fields.record_count.offset);
  if (number(fields.magic.offset) !== PAGE_MAGIC || number(fields.index.offset) !== index) return undefined;
  if (Buffer.compare(from.subarray(fields.chain_id.offset, fields.index.offset), chainId) !== 0) return undefined;
  if (count > PAGE_RECORDS_MAX || number(fields.checksum.offset) !== pageChecksum(from)) return undefined;
  const runs = Array.from({ length: count }, (_, i) => {
    const at = MapPage.size + i * MapRecord.size;
    return { block: number(at), count: number(at + 4), value: number(at + 8) };
  });
  return { next: number(fields.next_page.offset), runs };
}

function pageChecksum(page: Uint8Array): number {
  return crc32c(CRC_SEED, page.subarray(MapPage.fields.chain_id.offset));
}
