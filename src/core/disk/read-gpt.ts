import { byteString } from '../bytes.ts';
import { crc32 } from '../crc32.ts';
import { ImageError } from '../errors.ts';
import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import { corrupt } from '../ext4/reader/failure.ts';
import { formatUuid } from '../ext4/uuid.ts';
import { from64, type Read, viewOf } from '../struct.ts';
import { GPT_HEADER_REVISION, GPT_HEADER_SIGNATURE, GptEntry, GptHeader } from './format/gpt.ts';
import { SECTOR_SIZE } from './format/sector.ts';
import { guidBytes } from './guids.ts';
import { guidName } from './type-names.ts';
import { checkOverlaps, type ReadPartition, type ReadTable, type TablePart } from './read-partitions.ts';

/** The sizes that sectors have, in bytes: a disk image does not say which. */
const SECTOR_SIZES = [SECTOR_SIZE, 4096] as const;
/** What is read of a table, in bytes; 128 entries of 128 bytes take 16 KiB. */
const ENTRIES_BYTES_MAX = 1024 * 1024;

/** A copy of the table. Places are in sectors. */
interface Copy {
  readonly fields: Read<typeof GptHeader.fields>;
  readonly entries: Uint8Array;
  readonly lba: number;
  readonly entriesLba: number;
  readonly alternate: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
}

/** A copy, or what is wrong with it. */
type Tried = Copy | { readonly damage: string };

/**
 * Reads the GPT of a disk: both copies are checked, with their checksums. Throws `image-corrupt` where neither is whole, or where
 * partitions lie outside the disk or on each other. UEFI specification 2.10, section 5.3
 */
export function readGpt(device: BlockDevice): ReadTable {
  const damages: string[] = [];
  for (const sectorSize of SECTOR_SIZES) {
    const primary = tryCopy(device, 1, sectorSize);
    const last = Math.floor(device.size / sectorSize) - 1;
    const backup = tryCopy(device, 'damage' in primary ? last : primary.alternate, sectorSize);
    if (!('damage' in primary))
      return tableOf(primary, sectorSize, partsOf(sectorSize, primary, backup), warningsOf(primary, backup));
    if (!('damage' in backup)) {
      const warning = `the first copy of the GPT is damaged, and its backup is read: ${primary.damage}`;
      return tableOf(backup, sectorSize, partsOf(sectorSize, primary, backup), [warning]);
    }
    damages.push(`first copy: ${primary.damage}; backup: ${backup.damage}`);
  }
  throw corrupt(`no sound GPT behind its protective MBR: ${damages[0]}`);
}

function warningsOf(primary: Copy, backup: Tried): string[] {
  if ('damage' in backup) return [`the backup of the GPT is damaged: ${backup.damage}`];
  const isSame =
    backup.fields.partition_entry_array_crc32 === primary.fields.partition_entry_array_crc32 &&
    byteString(backup.fields.disk_guid) === byteString(primary.fields.disk_guid);
  return isSame ? [] : ['the backup of the GPT is of another table'];
}

/** Where what was read stands. */
function partsOf(sectorSize: number, ...[primary, backup]: readonly [Tried, Tried]): TablePart[] {
  const copyParts = (copy: Tried, name: string): TablePart[] => {
    if ('damage' in copy) return [];
    const { lba, entriesLba, entries } = copy;
    return [
      { start: lba * sectorSize, length: sectorSize, label: `${name}, header` },
      { start: entriesLba * sectorSize, length: entries.length, label: `${name}, entries` },
    ];
  };
  const mbr = { start: 0, length: sectorSize, label: 'protective MBR' };
  return [mbr, ...copyParts(primary, 'GPT'), ...copyParts(backup, 'backup of the GPT')];
}

function tryCopy(device: BlockDevice, lba: number, sectorSize: number): Tried {
  try {
    return readCopy(device, lba, sectorSize);
  } catch (error) {
    if (error instanceof ImageError && error.code === 'image-corrupt') return { damage: error.message };
    throw error;
  }
}

function readCopy(device: BlockDevice, lba: number, sectorSize: number): Copy {
  const header = read(device, lba * sectorSize, sectorSize, 'header');
  const view = viewOf(header);
  const fields = GptHeader.read(view, 0);
  if (byteString(fields.signature) !== GPT_HEADER_SIGNATURE) throw corrupt(`no signature in sector ${lba}`);
  if (fields.revision !== GPT_HEADER_REVISION) throw corrupt(`revision 0x${fields.revision.toString(16)}`);
  const { header_size, header_crc32 } = fields;
  if (header_size < GptHeader.size || header_size > sectorSize) throw corrupt(`a header of ${header_size} bytes`);
  view.setUint32(GptHeader.fields.header_crc32.offset, 0, true);
  checkCrc(header_crc32, header.subarray(0, header_size), 'header');
  const my = from64(fields.my_lba_lo, fields.my_lba_hi);
  if (my !== lba) throw corrupt(`a header for sector ${my} in sector ${lba}`);
  const { num_partition_entries: count, sizeof_partition_entry: size } = fields;
  // 128 bytes times a power of two. UEFI specification 2.10, table 5-5
  if (size < GptEntry.size || (size & (size - 1)) !== 0 || count * size > ENTRIES_BYTES_MAX)
    throw corrupt(`${count} entries of ${size} bytes`);
  const entriesLba = from64(fields.partition_entry_lba_lo, fields.partition_entry_lba_hi);
  const entries = read(device, entriesLba * sectorSize, count * size, 'entries');
  checkCrc(fields.partition_entry_array_crc32, entries, 'entries');
  const firstUsable = from64(fields.first_usable_lba_lo, fields.first_usable_lba_hi);
  const lastUsable = from64(fields.last_usable_lba_lo, fields.last_usable_lba_hi);
  const sectors = Math.floor(device.size / sectorSize);
  if (firstUsable > lastUsable + 1 || lastUsable >= sectors)
    throw corrupt(`sectors ${firstUsable} to ${lastUsable} are for partitions, the disk has ${sectors}`);
  return {
    fields,
    entries,
    lba,
    entriesLba,
    alternate: from64(fields.alternate_lba_lo, fields.alternate_lba_hi),
    firstUsable,
    lastUsable,
  };
}

function read(device: BlockDevice, offset: number, length: number, what: string): Uint8Array {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > device.size)
    throw corrupt(`its ${what} at byte ${offset} is not in the image`);
  const bytes = new Uint8Array(length);
  device.read(offset, bytes);
  return bytes;
}

function checkCrc(found: number, bytes: Uint8Array, what: string): void {
  const computed = crc32(bytes);
  if (found === computed) return;
  throw corrupt(`checksum of its ${what} 0x${found.toString(16)}, computed 0x${computed.toString(16)}`);
}

function tableOf(copy: Copy, sectorSize: number, parts: readonly TablePart[], warnings: readonly string[]): ReadTable {
  const { entries, fields } = copy;
  const partitions: ReadPartition[] = [];
  const size = fields.sizeof_partition_entry;
  for (let i = 0; i < fields.num_partition_entries; i++) {
    const entry = GptEntry.read(viewOf(entries), i * size);
    if (entry.partition_type_guid.every((byte) => byte === 0)) continue;
    partitions.push(partitionOf(entry, i + 1, copy, sectorSize));
  }
  checkOverlaps(partitions);
  return { table: 'gpt', id: uuidText(fields.disk_guid), partitions, parts, warnings };
}

function partitionOf(
  entry: Read<typeof GptEntry.fields>,
  number: number,
  { firstUsable, lastUsable }: Copy,
  sectorSize: number,
): ReadPartition {
  const first = from64(entry.starting_lba_lo, entry.starting_lba_hi);
  const last = from64(entry.ending_lba_lo, entry.ending_lba_hi);
  if (first < firstUsable || last > lastUsable || first > last)
    throw corrupt(
      `partition ${number}: sectors ${first} to ${last}, those for partitions are ${firstUsable} to ${lastUsable}`,
    );
  const type = uuidText(entry.partition_type_guid);
  return {
    number,
    type,
    typeName: guidName(type),
    name: nameText(entry.partition_name),
    partuuid: uuidText(entry.unique_partition_guid),
    start: first * sectorSize,
    length: (last - first + 1) * sectorSize,
    isExtended: false,
  };
}

const uuidText = (guid: Uint8Array): string => formatUuid(guidBytes(guid));

/** UTF-16, little-endian, up to the first zero. */
function nameText(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const units = Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
  const end = units.indexOf(0);
  return String.fromCharCode(...(end < 0 ? units : units.slice(0, end)));
}
