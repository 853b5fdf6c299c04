import { viewOf } from '../struct.ts';
import { EFI_PMBR_OSTYPE_EFI_GPT, LegacyMbr, MBR_LBA_MAX, MbrRecord, MSDOS_MBR_SIGNATURE } from './format/mbr.ts';
import { SECTOR_SIZE } from './format/sector.ts';

/** A partition in a master boot record; places and lengths are in sectors. */
export interface MbrPartition {
  readonly os_type: number;
  readonly start: number;
  readonly length: number;
}

/** The geometry that every program assumes where there is none. */
const HEADS = 255;
const SECTORS_PER_TRACK = 63;
const CYLINDERS_MAX = 1023;

/** A master boot record without code; `signature` is 32 bits. At most four partitions, that end before sector 2^32. */
export function makeMbr(signature: number, partitions: readonly MbrPartition[]): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  const view = viewOf(sector);
  LegacyMbr.write(view, 0, { unique_mbr_signature: signature, signature: MSDOS_MBR_SIGNATURE });
  for (const [i, { os_type, start, length }] of partitions.entries()) {
    const [from, to] = [addressOf(start), addressOf(start + length - 1)];
    MbrRecord.write(view, LegacyMbr.fields.partition_record.offset + i * MbrRecord.size, {
      start_head: from.head,
      start_sector: from.sector,
      start_track: from.track,
      os_type,
      end_head: to.head,
      end_sector: to.sector,
      end_track: to.track,
      starting_lba: start,
      size_in_lba: length,
    });
  }
  return sector;
}

/** The master boot record of a disk of `sectors` sectors with a GPT: one partition over all of it. UEFI specification 2.10, section 5.2.3 */
export function makeProtectiveMbr(sectors: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  const view = viewOf(sector);
  LegacyMbr.write(view, 0, { signature: MSDOS_MBR_SIGNATURE });
  MbrRecord.write(view, LegacyMbr.fields.partition_record.offset, {
    start_head: 0,
    start_sector: 2,
    start_track: 0,
    os_type: EFI_PMBR_OSTYPE_EFI_GPT,
    end_head: 0xff,
    end_sector: 0xff,
    end_track: 0xff,
    starting_lba: 1,
    size_in_lba: Math.min(sectors - 1, MBR_LBA_MAX),
  });
  return sector;
}

/** A sector's place as cylinder, head and sector; the last one for all that are behind it. */
function addressOf(lba: number): { head: number; sector: number; track: number } {
  const cylinder = Math.floor(lba / (HEADS * SECTORS_PER_TRACK));
  if (cylinder > CYLINDERS_MAX) return { head: HEADS - 1, sector: 0xff, track: 0xff };
  const head = Math.floor(lba / SECTORS_PER_TRACK) % HEADS;
  const sector = (lba % SECTORS_PER_TRACK) + 1;
  return { head, sector: sector | ((cylinder >> 2) & 0xc0), track: cylinder & 0xff };
}
