import { bytesOf } from '../bytes.ts';
import { viewOf } from '../struct.ts';
import {
  BACKUP_BOOT_SECTOR,
  BOOT_SIGNATURE,
  BootSector16,
  BootSector32,
  DRIVE_FIXED,
  EXTENDED_BOOT_SIGNATURE,
  FS_INFO_SECTOR,
  FSI_LEAD_SIG,
  FSI_STRUC_SIG,
  FSI_TRAIL_SIG,
  FsInfo,
  MEDIA_FIXED,
  NUM_FATS,
  SECTOR_SIZE,
} from './format/boot-sector.ts';
import { FIRST_CLUSTER, type FatGeometry } from './geometry.ts';
import { type FatOptions, labelBytes } from './options.ts';

/** A label for who has none. Microsoft FAT Specification, 3.2. */
const NO_LABEL = bytesOf('NO NAME    ');
/** What the specification recommends, as some drivers look at it. */
const OEM_NAME = bytesOf('MSWIN4.1');
/** `jmp` to the code behind the fields, and `nop`. */
const JUMP_16 = Uint8Array.of(0xeb, 0x3c, 0x90);
const JUMP_32 = Uint8Array.of(0xeb, 0x58, 0x90);
/** `int 0x18`, which tells a BIOS that nothing boots from here, and a halt: `hlt; jmp -3`. */
const BOOT_CODE = Uint8Array.of(0xcd, 0x18, 0xf4, 0xeb, 0xfd);
/** The geometry of a disk that addresses blocks; a MiB is one cylinder. */
const SECTORS_PER_TRACK_MAX = 32;
const HEADS = 64;
const ROOT_CLUSTER = FIRST_CLUSTER;
const UNKNOWN = 0xffff_ffff;

/** The sectors in front of the FATs up to the last that is not zero: one, or with FAT32 those with FSInfo and the copies of both. */
export function bootSectors(
  geometry: FatGeometry,
  options: Pick<FatOptions, 'label'>,
  volumeId: number,
  freeCluster: number,
): Uint8Array {
  if (geometry.bits !== 32) return boot16(geometry, options, volumeId);
  const bytes = new Uint8Array((BACKUP_BOOT_SECTOR + FS_INFO_SECTOR + 1) * SECTOR_SIZE);
  const boot = boot32(geometry, options, volumeId);
  const info = fsInfo(geometry, freeCluster);
  for (const sector of [0, BACKUP_BOOT_SECTOR]) {
    bytes.set(boot, sector * SECTOR_SIZE);
    bytes.set(info, (sector + FS_INFO_SECTOR) * SECTOR_SIZE);
  }
  return bytes;
}

function boot16(geometry: FatGeometry, { label }: Pick<FatOptions, 'label'>, volumeId: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  const { sectors, rootEntries, fatSectors, bits } = geometry;
  const isSmall = sectors < 0x1_0000;
  BootSector16.write(viewOf(sector), 0, {
    ...commonFields(geometry),
    BS_jmpBoot: JUMP_16,
    BPB_RootEntCnt: rootEntries,
    BPB_TotSec16: isSmall ? sectors : 0,
    BPB_TotSec32: isSmall ? 0 : sectors,
    BPB_FATSz16: fatSectors,
    BS_VolID: volumeId,
    BS_VolLab: labelBytes(label) ?? NO_LABEL,
    BS_FilSysType: bytesOf(`FAT${bits}`.padEnd(8)),
    BS_BootCode: BOOT_CODE,
  });
  return sector;
}

function boot32(geometry: FatGeometry, { label }: Pick<FatOptions, 'label'>, volumeId: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  BootSector32.write(viewOf(sector), 0, {
    ...commonFields(geometry),
    BS_jmpBoot: JUMP_32,
    BPB_TotSec32: geometry.sectors,
    BPB_FATSz32: geometry.fatSectors,
    BPB_RootClus: ROOT_CLUSTER,
    BPB_FSInfo: FS_INFO_SECTOR,
    BPB_BkBootSec: BACKUP_BOOT_SECTOR,
    BS_VolID: volumeId,
    BS_VolLab: labelBytes(label) ?? NO_LABEL,
    BS_FilSysType: bytesOf('FAT32   '),
    BS_BootCode32: BOOT_CODE,
  });
  return sector;
}

/** The fields that all kinds have. */
function commonFields({ sectors, sectorsPerCluster, reservedSectors }: FatGeometry) {
  return {
    BS_OEMName: OEM_NAME,
    BPB_BytsPerSec: SECTOR_SIZE,
    BPB_SecPerClus: sectorsPerCluster,
    BPB_RsvdSecCnt: reservedSectors,
    BPB_NumFATs: NUM_FATS,
    BPB_Media: MEDIA_FIXED,
    BPB_SecPerTrk: sectorsPerTrack(sectors),
    BPB_NumHeads: HEADS,
    // BPB_HiddSec is 0: an image does not know in which partition it will be, and what reads it by blocks does not ask.
    BS_DrvNum: DRIVE_FIXED,
    BS_BootSig: EXTENDED_BOOT_SIGNATURE,
    Signature_word: BOOT_SIGNATURE,
  };
}

/** Whole tracks: mtools refuses what has others. */
function sectorsPerTrack(sectors: number): number {
  let perTrack = SECTORS_PER_TRACK_MAX;
  while (sectors % perTrack !== 0) perTrack /= 2;
  return perTrack;
}

function fsInfo({ clusters }: FatGeometry, freeCluster: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  const free = clusters - (freeCluster - FIRST_CLUSTER);
  FsInfo.write(viewOf(sector), 0, {
    FSI_LeadSig: FSI_LEAD_SIG,
    FSI_StrucSig: FSI_STRUC_SIG,
    FSI_Free_Count: free,
    FSI_Nxt_Free: free === 0 ? UNKNOWN : freeCluster,
    FSI_TrailSig: FSI_TRAIL_SIG,
  });
  return sector;
}
