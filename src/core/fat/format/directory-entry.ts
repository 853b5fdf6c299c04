import { bytes, struct, u8, u16, u32 } from '../../struct.ts';

/** The size of an entry of a directory, whatever it holds, in bytes. */
export const ENTRY_SIZE = 32;

/** A directory's entry with a short name. Microsoft FAT Specification, 6. */
export const ShortEntry = struct('directory entry', ENTRY_SIZE, {
  DIR_Name: bytes(0, 11),
  DIR_Attr: u8(11),
  DIR_NTRes: u8(12),
  DIR_CrtTimeTenth: u8(13),
  DIR_CrtTime: u16(14),
  DIR_CrtDate: u16(16),
  DIR_LstAccDate: u16(18),
  DIR_FstClusHI: u16(20),
  DIR_WrtTime: u16(22),
  DIR_WrtDate: u16(24),
  DIR_FstClusLO: u16(26),
  DIR_FileSize: u32(28),
});

/** An entry with 13 UTF-16 units of a long name. Microsoft FAT Specification, 7. */
export const LongNameEntry = struct('long name directory entry', ENTRY_SIZE, {
  LDIR_Ord: u8(0),
  LDIR_Name1: bytes(1, 10),
  LDIR_Attr: u8(11),
  LDIR_Type: u8(12),
  LDIR_Chksum: u8(13),
  LDIR_Name2: bytes(14, 12),
  LDIR_FstClusLO: u16(26),
  LDIR_Name3: bytes(28, 4),
});

/** DIR_Attr. */
export const ATTR_READ_ONLY = 0x01;
export const ATTR_VOLUME_ID = 0x08;
export const ATTR_DIRECTORY = 0x10;
export const ATTR_ARCHIVE = 0x20;
/** LDIR_Attr. */
export const ATTR_LONG_NAME = 0x0f;

/** In LDIR_Ord of the entry with a name's end, which stands first. */
export const LAST_LONG_ENTRY = 0x40;
/** DIR_Name[0] of an entry that is not in use. */
export const FREE_ENTRY = 0xe5;
/** DIR_Name[0] that stands for 0xe5. */
export const KANJI_E5 = 0x05;
/** DIR_NTRes: the letters of the base, and those of the extension, are small ones, as Windows NT has it. */
export const LOWER_BASE = 0x08;
export const LOWER_EXTENSION = 0x10;
/** How many UTF-16 units an entry holds. */
export const UNITS_PER_ENTRY = 13;
/** The length of a short name, in bytes: 8 of the base, 3 of the extension. */
export const SHORT_NAME_LENGTH = 11;
/** The most entries of a directory: 2 MiB of them. Microsoft FAT Specification, 6. */
export const DIRECTORY_ENTRIES_MAX = 65_536;
