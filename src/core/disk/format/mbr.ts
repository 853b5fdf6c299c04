import { bytes, struct, u8, u16, u32 } from '../../struct.ts';

/** How many partitions the table in the first sector has. */
export const MBR_ENTRIES = 4;

/** MASTER_BOOT_RECORD, 512 bytes, with Linux' names (struct legacy_mbr in block/partitions/efi.h). UEFI specification 2.10, section 5.2.1 */
export const LegacyMbr = struct('legacy_mbr', 512, {
  boot_code: bytes(0x000, 440),
  unique_mbr_signature: u32(0x1b8),
  unknown: u16(0x1bc),
  partition_record: bytes(0x1be, 64),
  signature: u16(0x1fe),
});

/** MBR_PARTITION_RECORD, 16 bytes (struct gpt_mbr_record). UEFI specification 2.10, section 5.2.1 */
export const MbrRecord = struct('gpt_mbr_record', 16, {
  boot_indicator: u8(0x0),
  start_head: u8(0x1),
  start_sector: u8(0x2),
  start_track: u8(0x3),
  os_type: u8(0x4),
  end_head: u8(0x5),
  end_sector: u8(0x6),
  end_track: u8(0x7),
  starting_lba: u32(0x8),
  size_in_lba: u32(0xc),
});

/** signature. */
export const MSDOS_MBR_SIGNATURE = 0xaa55;
/** os_type of the one record that protects a GPT. */
export const EFI_PMBR_OSTYPE_EFI_GPT = 0xee;
/** starting_lba and size_in_lba hold no more. */
export const MBR_LBA_MAX = 0xffff_ffff;
/** os_type of partitions that hold others: for addresses of cylinders, for those of sectors, and Linux' own. */
export const EXTENDED_TYPES: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);
