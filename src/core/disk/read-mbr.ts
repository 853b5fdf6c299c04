import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import { corrupt } from '../ext4/reader/failure.ts';
import { type Read, viewOf } from '../struct.ts';
import { EXTENDED_TYPES, LegacyMbr, MBR_ENTRIES, MbrRecord, MSDOS_MBR_SIGNATURE } from './format/mbr.ts';
import { SECTOR_SIZE } from './format/sector.ts';
import { mbrTypeName } from './type-names.ts';
import { checkOverlaps, type ReadPartition, type ReadTable, type TablePart } from './read-partitions.ts';

type Record = Read<typeof MbrRecord.fields>;

/** How many records of an extended partition are followed; the kernel follows as many without data. */
const LOGICAL_MAX = 100;

/** The four records of a boot record. */
export function mbrRecords(view: DataView): Record[] {
  const { offset } = LegacyMbr.fields.partition_record;
  return Array.from({ length: MBR_ENTRIES }, (_, i) => MbrRecord.read(view, offset + i * MbrRecord.size));
}

/** Reads the master boot record of a disk, and the partitions in its extended ones. Throws `image-corrupt`. */
export function readMbr(device: BlockDevice): ReadTable {
  const view = sectorAt(device, 0, 'the master boot record');
  const signature = view.getUint32(LegacyMbr.fields.unique_mbr_signature.offset, true);
  const id = signature.toString(16).padStart(8, '0');
  const primary = mbrRecords(view).flatMap((record, i) => partitionOf(device, id, record, 0, i + 1) ?? []);
  checkOverlaps(primary);
  const parts: TablePart[] = [{ start: 0, length: SECTOR_SIZE, label: 'MBR' }];
  const logical: ReadPartition[] = [];
  for (const extended of primary.filter(({ isExtended }) => isExtended))
    logical.push(...logicalPartitions(device, id, extended, MBR_ENTRIES + 1 + logical.length, parts));
  checkOverlaps(logical);
  return { table: 'mbr', id, partitions: [...primary, ...logical], parts, warnings: [] };
}

/** The partitions in an extended one: a chain of boot records, each with one partition, and with where the next record is. Adds these to `parts`. */
function* logicalPartitions(
  device: BlockDevice,
  id: string,
  extended: ReadPartition,
  firstNumber: number,
  parts: TablePart[],
): Generator<ReadPartition, void> {
  const first = extended.start / SECTOR_SIZE;
  const seen = new Set<number>();
  let number = firstNumber;
  for (let lba = first; ; ) {
    const place: string = `the extended partition ${extended.number}, record at sector ${lba}`;
    if (seen.has(lba)) throw corrupt(`${place}: it leads back to itself`);
    if (seen.size === LOGICAL_MAX) throw corrupt(`${place}: more than ${LOGICAL_MAX} records`);
    seen.add(lba);
    parts.push({
      start: lba * SECTOR_SIZE,
      length: SECTOR_SIZE,
      label: `record of the extended partition ${extended.number}`,
    });
    // The third and fourth records mean nothing here.
    const [own, next] = mbrRecords(sectorAt(device, lba, place)) as [Record, Record];
    const partition = partitionOf(device, id, own, lba, number);
    if (partition !== undefined) {
      if (partition.isExtended || !isInside(partition, extended))
        throw corrupt(`${place}: partition ${number} is not in it`);
      yield partition;
      number++;
    }
    if (!isUsed(next)) return;
    if (!EXTENDED_TYPES.has(next.os_type)) throw corrupt(`${place}: the next record has type 0x${hex(next.os_type)}`);
    lba = first + next.starting_lba;
    if (lba * SECTOR_SIZE >= extended.start + extended.length) throw corrupt(`${place}: the next record is outside`);
  }
}

const isInside = (inner: ReadPartition, { start, length }: ReadPartition): boolean =>
  inner.start > start && inner.start + inner.length <= start + length;

const isUsed = ({ os_type, size_in_lba }: Record): boolean => os_type !== 0 && size_in_lba !== 0;

const hex = (type: number): string => type.toString(16).padStart(2, '0');

/** `base` is the sector that the record counts from. Undefined for a record that is not used. */
function partitionOf(
  { size }: BlockDevice,
  id: string,
  record: Record,
  base: number,
  number: number,
): ReadPartition | undefined {
  if (!isUsed(record)) return undefined;
  const start = (base + record.starting_lba) * SECTOR_SIZE;
  const length = record.size_in_lba * SECTOR_SIZE;
  if (record.starting_lba === 0 || start + length > size)
    throw corrupt(`partition ${number} of the MBR: bytes ${start} to ${start + length}, the disk has ${size}`);
  return {
    number,
    type: `0x${hex(record.os_type)}`,
    typeName: mbrTypeName(record.os_type),
    name: '',
    partuuid: `${id}-${String(number).padStart(2, '0')}`,
    start,
    length,
    isExtended: EXTENDED_TYPES.has(record.os_type),
  };
}

function sectorAt(device: BlockDevice, lba: number, what: string): DataView {
  const sector = new Uint8Array(SECTOR_SIZE);
  if ((lba + 1) * SECTOR_SIZE > device.size) throw corrupt(`${what}: it is not in the image`);
  device.read(lba * SECTOR_SIZE, sector);
  const view = viewOf(sector);
  const signature = view.getUint16(LegacyMbr.fields.signature.offset, true);
  if (signature !== MSDOS_MBR_SIGNATURE) throw corrupt(`${what}: signature 0x${signature.toString(16)}`);
  return view;
}
