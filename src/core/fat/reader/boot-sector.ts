import type { ByteString } from '../../bytes.ts';
import type { BlockDevice } from '../../ext4/reader/block-reader.ts';
import { corrupt, unsupported } from '../../ext4/reader/failure.ts';
import { type Read, viewOf } from '../../struct.ts';
import {
  BOOT_SIGNATURE,
  BootSector16,
  BootSector32,
  EXTENDED_BOOT_SIGNATURE,
  FSI_LEAD_SIG,
  FSI_STRUC_SIG,
  FsInfo,
  MEDIA_REMOVABLE,
  MEDIA_FIXED,
  SECTOR_SIZE,
} from '../format/boot-sector.ts';
import { ENTRY_SIZE } from '../format/directory-entry.ts';
import { labelOf } from './directory.ts';
import { CLUSTERS_MAX, FIRST_CLUSTER } from '../geometry.ts';

/** What a boot sector says, checked. Places and sizes are in bytes. */
export interface FatVolume {
  readonly bits: 12 | 16 | 32;
  readonly size: number;
  readonly clusterSize: number;
  /** How many there are; the first has number 2. */
  readonly clusters: number;
  /** How many file allocation tables there are, where the first begins, and what each takes. */
  readonly tables: number;
  readonly firstTable: number;
  readonly tableLength: number;
  /** Where the one begins that counts. */
  readonly table: number;
  /** Where the root directory of FAT12 and FAT16 stands, and what it takes; of FAT32 its first cluster. */
  readonly root: { readonly start: number; readonly length: number } | { readonly cluster: number };
  /** Where the first cluster begins. */
  readonly data: number;
  /** Undefined where the boot sector has none. */
  readonly volumeId: number | undefined;
  /** As the boot sector has it, which may be another than the root has. */
  readonly label: ByteString;
  /** As FSInfo of FAT32 claims. */
  readonly freeClusters: number | undefined;
}

const SECTOR_SIZE_MAX = 4096;
/** BPB_ExtFlags: one table alone counts, and which. */
const NO_MIRRORING = 0x80;
const ACTIVE_TABLE = 0x0f;

type Fields = Read<typeof BootSector16.fields>;

const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** Whether the first sector of something, 512 bytes, is the boot sector of a FAT filesystem. Microsoft FAT Specification, 3.1 */
export function isFatBootSector(sector: Uint8Array): boolean {
  const fields = BootSector16.read(viewOf(sector), 0);
  const { BPB_BytsPerSec: sectorSize, BPB_Media: media } = fields;
  return (
    fields.Signature_word === BOOT_SIGNATURE &&
    isPowerOfTwo(sectorSize) &&
    sectorSize >= SECTOR_SIZE &&
    sectorSize <= SECTOR_SIZE_MAX &&
    isPowerOfTwo(fields.BPB_SecPerClus) &&
    fields.BPB_RsvdSecCnt > 0 &&
    fields.BPB_NumFATs > 0 &&
    (media === MEDIA_REMOVABLE || media >= MEDIA_FIXED)
  );
}

/** Reads and checks the boot sector. Throws `image-corrupt` or `image-unsupported`. */
export function readBootSector(device: BlockDevice): FatVolume {
  const sector = new Uint8Array(SECTOR_SIZE);
  if (device.size < SECTOR_SIZE) throw corrupt(`${device.size} bytes are no FAT filesystem`);
  device.read(0, sector);
  if (!isFatBootSector(sector)) throw corrupt('no boot sector of a FAT filesystem');
  const fields = BootSector16.read(viewOf(sector), 0);
  const fields32 = fields.BPB_FATSz16 === 0 ? BootSector32.read(viewOf(sector), 0) : undefined;
  const { BPB_BytsPerSec: sectorSize, BPB_SecPerClus, BPB_RsvdSecCnt: reserved, BPB_NumFATs: tables } = fields;
  const sectors = fields.BPB_TotSec16 === 0 ? fields.BPB_TotSec32 : fields.BPB_TotSec16;
  const size = sectors * sectorSize;
  if (size > device.size) throw corrupt(`the FAT filesystem has ${size} bytes, the image ${device.size}`);
  const tableSectors = fields32?.BPB_FATSz32 ?? fields.BPB_FATSz16;
  const rootLength = fields.BPB_RootEntCnt * ENTRY_SIZE;
  const rootStart = (reserved + tables * tableSectors) * sectorSize;
  const data = rootStart + Math.ceil(rootLength / sectorSize) * sectorSize;
  const clusterSize = BPB_SecPerClus * sectorSize;
  const bitsPerTable = tableSectors * sectorSize * 8;
  const inData = Math.floor((size - data) / clusterSize);
  const bits = fields32 === undefined ? (inData <= CLUSTERS_MAX[12] ? 12 : 16) : 32;
  // A table may be shorter than what it is of: what is behind its end cannot be used.
  const clusters = Math.min(inData, Math.floor(bitsPerTable / bits) - FIRST_CLUSTER);
  if (clusters < 1 || clusters > CLUSTERS_MAX[bits])
    throw corrupt(`FAT${bits} of ${inData} clusters of ${clusterSize} bytes, ${tableSectors} sectors in a table`);
  if (fields32 === undefined && rootLength === 0) throw corrupt(`FAT${bits} without room for a root directory`);
  const [firstTable, tableLength] = [reserved * sectorSize, tableSectors * sectorSize];
  const table = firstTable + activeTable(fields32, tables) * tableLength;
  const places = { tables, firstTable, tableLength, table, data };
  const root = fields32 === undefined ? { start: rootStart, length: rootLength } : { cluster: fields32.BPB_RootClus };
  const freeClusters =
    fields32 === undefined ? undefined : readFsInfo(device, fields32.BPB_FSInfo * sectorSize, clusters);
  return { bits, size, clusterSize, clusters, root, ...places, freeClusters, ...identityOf(fields32 ?? fields) };
}

function activeTable(fields: Read<typeof BootSector32.fields> | undefined, tables: number): number {
  if (fields === undefined) return 0;
  if (fields.BPB_FSVer !== 0) throw unsupported(`FAT32 of version 0x${fields.BPB_FSVer.toString(16)}`);
  const flags = fields.BPB_ExtFlags;
  const active = (flags & NO_MIRRORING) === 0 ? 0 : flags & ACTIVE_TABLE;
  if (active >= tables) throw corrupt(`file allocation table ${active + 1} of ${tables} is the one that counts`);
  return active;
}

function identityOf({
  BS_BootSig,
  BS_VolID,
  BS_VolLab,
}: Pick<Fields, 'BS_BootSig' | 'BS_VolID' | 'BS_VolLab'>): Pick<FatVolume, 'volumeId' | 'label'> {
  if (BS_BootSig !== EXTENDED_BOOT_SIGNATURE) return { volumeId: undefined, label: '' };
  const label = labelOf(BS_VolLab, 0);
  return { volumeId: BS_VolID, label: label === 'NO NAME' ? '' : label };
}

/** What FSInfo claims, where there is one and it can be. Microsoft FAT Specification, 5 */
function readFsInfo(device: BlockDevice, offset: number, clusters: number): number | undefined {
  if (offset === 0 || offset + SECTOR_SIZE > device.size) return undefined;
  const sector = new Uint8Array(SECTOR_SIZE);
  device.read(offset, sector);
  const info = FsInfo.read(viewOf(sector), 0);
  const isInfo = info.FSI_LeadSig === FSI_LEAD_SIG && info.FSI_StrucSig === FSI_STRUC_SIG;
  return isInfo && info.FSI_Free_Count <= clusters ? info.FSI_Free_Count : undefined;
}
