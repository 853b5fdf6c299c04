import { bytes, struct, u8, u16, u32 } from '../../struct.ts';

/** The only sector size that is written here, in bytes. */
export const SECTOR_SIZE = 512;

/** What all boot sectors begin with, and the BPB of FAT12 and FAT16; 62 bytes. Microsoft FAT Specification, 3.1 and 3.2. */
export const BootSector16 = struct('BPB of FAT12 and FAT16', SECTOR_SIZE, {
  BS_jmpBoot: bytes(0, 3),
  BS_OEMName: bytes(3, 8),
  BPB_BytsPerSec: u16(11),
  BPB_SecPerClus: u8(13),
  BPB_RsvdSecCnt: u16(14),
  BPB_NumFATs: u8(16),
  BPB_RootEntCnt: u16(17),
  BPB_TotSec16: u16(19),
  BPB_Media: u8(21),
  BPB_FATSz16: u16(22),
  BPB_SecPerTrk: u16(24),
  BPB_NumHeads: u16(26),
  BPB_HiddSec: u32(28),
  BPB_TotSec32: u32(32),
  BS_DrvNum: u8(36),
  BS_Reserved1: u8(37),
  BS_BootSig: u8(38),
  BS_VolID: u32(39),
  BS_VolLab: bytes(43, 11),
  BS_FilSysType: bytes(54, 8),
  BS_BootCode: bytes(62, 448),
  Signature_word: u16(510),
});

/** The boot sector of FAT32; the first 36 bytes are as those of FAT12 and FAT16. Microsoft FAT Specification, 3.1 and 3.3. */
export const BootSector32 = struct('BPB of FAT32', SECTOR_SIZE, {
  BS_jmpBoot: bytes(0, 3),
  BS_OEMName: bytes(3, 8),
  BPB_BytsPerSec: u16(11),
  BPB_SecPerClus: u8(13),
  BPB_RsvdSecCnt: u16(14),
  BPB_NumFATs: u8(16),
  BPB_RootEntCnt: u16(17),
  BPB_TotSec16: u16(19),
  BPB_Media: u8(21),
  BPB_FATSz16: u16(22),
  BPB_SecPerTrk: u16(24),
  BPB_NumHeads: u16(26),
  BPB_HiddSec: u32(28),
  BPB_TotSec32: u32(32),
  BPB_FATSz32: u32(36),
  BPB_ExtFlags: u16(40),
  BPB_FSVer: u16(42),
  BPB_RootClus: u32(44),
  BPB_FSInfo: u16(48),
  BPB_BkBootSec: u16(50),
  BPB_Reserved: bytes(52, 12),
  BS_DrvNum: u8(64),
  BS_Reserved1: u8(65),
  BS_BootSig: u8(66),
  BS_VolID: u32(67),
  BS_VolLab: bytes(71, 11),
  BS_FilSysType: bytes(82, 8),
  BS_BootCode32: bytes(90, 420),
  Signature_word: u16(510),
});

/** Signature_word. */
export const BOOT_SIGNATURE = 0xaa55;
/** BS_BootSig: volume id, label and type follow. */
export const EXTENDED_BOOT_SIGNATURE = 0x29;
/** BPB_Media and the low byte of the FAT's first entry: a fixed disk. */
export const MEDIA_FIXED = 0xf8;
/** BPB_Media: a disk that is taken out; the values between are not allowed. */
export const MEDIA_REMOVABLE = 0xf0;
/** BS_DrvNum: a fixed disk. */
export const DRIVE_FIXED = 0x80;
/** How many copies of the FAT there are. */
export const NUM_FATS = 2;

/** FSInfo of FAT32. Microsoft FAT Specification, 5. */
export const FsInfo = struct('FSInfo', SECTOR_SIZE, {
  FSI_LeadSig: u32(0),
  FSI_Reserved1: bytes(4, 480),
  FSI_StrucSig: u32(484),
  FSI_Free_Count: u32(488),
  FSI_Nxt_Free: u32(492),
  FSI_Reserved2: bytes(496, 12),
  FSI_TrailSig: u32(508),
});
export const FSI_LEAD_SIG = 0x4161_5252;
export const FSI_STRUC_SIG = 0x6141_7272;
export const FSI_TRAIL_SIG = 0xaa55_0000;

/** The sectors of FAT32 that are fixed: FSInfo and the copies of boot sector and FSInfo. */
export const FS_INFO_SECTOR = 1;
export const BACKUP_BOOT_SECTOR = 6;
