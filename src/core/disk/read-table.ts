import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import { isFatBootSector } from '../fat/reader/boot-sector.ts';
import { viewOf } from '../struct.ts';
import { EFI_PMBR_OSTYPE_EFI_GPT, LegacyMbr, MSDOS_MBR_SIGNATURE } from './format/mbr.ts';
import { SECTOR_SIZE } from './format/sector.ts';
import { readGpt } from './read-gpt.ts';
import { mbrRecords, readMbr } from './read-mbr.ts';
import type { ReadTable } from './read-partitions.ts';

/**
 * Reads the partition table of a disk; undefined for what has none, like a filesystem from the first byte on. A GPT's backup is read
 * where its first copy is damaged. Throws `image-corrupt` for a table that cannot be believed.
 */
export function readPartitionTable(device: BlockDevice): ReadTable | undefined {
  if (device.size < 2 * SECTOR_SIZE) return undefined;
  const sector = new Uint8Array(SECTOR_SIZE);
  device.read(0, sector);
  const view = viewOf(sector);
  if (view.getUint16(LegacyMbr.fields.signature.offset, true) !== MSDOS_MBR_SIGNATURE) return undefined;
  const records = mbrRecords(view);
  // Boot code stands where a filesystem's boot sector has no table.
  const areRecords = records.every(({ boot_indicator }) => boot_indicator === 0 || boot_indicator === 0x80);
  if (!areRecords || isFatBootSector(sector)) return undefined;
  const used = records.filter(({ os_type }) => os_type !== 0);
  if (used.length === 0) return undefined;
  if (used.some(({ os_type }) => os_type === EFI_PMBR_OSTYPE_EFI_GPT)) return readGpt(device);
  return readMbr(device);
}
