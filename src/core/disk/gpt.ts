import { bytesOf } from '../bytes.ts';
import { crc32 } from '../crc32.ts';
import { high32, low32, viewOf } from '../struct.ts';
import {
  GPT_ENTRIES,
  GPT_HEADER_REVISION,
  GPT_HEADER_SIGNATURE,
  GPT_NAME_LENGTH_MAX,
  GptEntry,
  GptHeader,
} from './format/gpt.ts';
import { SECTOR_SIZE } from './format/sector.ts';
import { guidBytes } from './guids.ts';
import { makeProtectiveMbr } from './mbr.ts';

/** A partition in a GPT; places and lengths are in sectors, UUIDs 16 bytes in the order of their digits. */
export interface GptPartition {
  readonly type: Uint8Array;
  readonly uuid: Uint8Array;
  /** At most 36 code units of UTF-16. */
  readonly name: string;
  readonly attributesHigh: number;
  readonly start: number;
  readonly length: number;
}

const ENTRIES_BYTES = GPT_ENTRIES * GptEntry.size;
const ENTRIES_SECTORS = ENTRIES_BYTES / SECTOR_SIZE;
/** What the backup takes at the end of a disk: the entries, and behind them the header. In bytes. */
export const GPT_BACKUP_BYTES = ENTRIES_BYTES + SECTOR_SIZE;
/** What stands at the begin of a disk: the protective MBR, the header, the entries. In bytes. */
const GPT_PRIMARY_BYTES = SECTOR_SIZE + GPT_BACKUP_BYTES;

/** The table of a disk of `sectors` sectors: what stands at its begin, and what at its end. At most 128 partitions. UEFI specification 2.10, section 5.3 */
export function makeGpt(
  diskUuid: Uint8Array,
  sectors: number,
  partitions: readonly GptPartition[],
): { primary: Uint8Array; backup: Uint8Array } {
  const entries = makeEntries(partitions);
  const lastLba = sectors - 1;
  const common = {
    disk_guid: guidBytes(diskUuid),
    first_usable_lba_lo: 2 + ENTRIES_SECTORS,
    last_usable_lba_lo: low32(lastLba - ENTRIES_SECTORS - 1),
    last_usable_lba_hi: high32(lastLba - ENTRIES_SECTORS - 1),
    partition_entry_array_crc32: crc32(entries),
  };
  const primary = new Uint8Array(GPT_PRIMARY_BYTES);
  primary.set(makeProtectiveMbr(sectors));
  writeHeader(primary, SECTOR_SIZE, { ...common, mine: 1, alternate: lastLba, entries: 2 });
  primary.set(entries, 2 * SECTOR_SIZE);
  const backup = new Uint8Array(GPT_BACKUP_BYTES);
  backup.set(entries);
  const place = { mine: lastLba, alternate: 1, entries: lastLba - ENTRIES_SECTORS };
  writeHeader(backup, ENTRIES_BYTES, { ...common, ...place });
  return { primary, backup };
}

function makeEntries(partitions: readonly GptPartition[]): Uint8Array {
  const entries = new Uint8Array(ENTRIES_BYTES);
  const view = viewOf(entries);
  for (const [i, { type, uuid, name, attributesHigh, start, length }] of partitions.entries()) {
    const end = start + length - 1;
    GptEntry.write(view, i * GptEntry.size, {
      partition_type_guid: guidBytes(type),
      unique_partition_guid: guidBytes(uuid),
      starting_lba_lo: low32(start),
      starting_lba_hi: high32(start),
      ending_lba_lo: low32(end),
      ending_lba_hi: high32(end),
      attributes_hi: attributesHigh,
      partition_name: nameBytes(name),
    });
  }
  return entries;
}

/** UTF-16, little-endian. */
function nameBytes(name: string): Uint8Array {
  const units = new DataView(new ArrayBuffer(2 * GPT_NAME_LENGTH_MAX));
  for (let i = 0; i < name.length; i++) units.setUint16(2 * i, name.charCodeAt(i), true);
  return new Uint8Array(units.buffer);
}

interface HeaderPlace {
  readonly mine: number;
  readonly alternate: number;
  readonly entries: number;
}

function writeHeader(
  target: Uint8Array,
  at: number,
  { mine, alternate, entries, ...common }: HeaderPlace & Parameters<typeof GptHeader.write>[2],
): void {
  const view = viewOf(target);
  GptHeader.write(view, at, {
    ...common,
    signature: bytesOf(GPT_HEADER_SIGNATURE),
    revision: GPT_HEADER_REVISION,
    header_size: GptHeader.size,
    my_lba_lo: low32(mine),
    my_lba_hi: high32(mine),
    alternate_lba_lo: low32(alternate),
    alternate_lba_hi: high32(alternate),
    partition_entry_lba_lo: low32(entries),
    partition_entry_lba_hi: high32(entries),
    num_partition_entries: GPT_ENTRIES,
    sizeof_partition_entry: GptEntry.size,
  });
  // The checksum is over the header with a checksum of zero.
  GptHeader.write(view, at, { header_crc32: crc32(target.subarray(at, at + GptHeader.size)) });
}
