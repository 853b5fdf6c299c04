import { ImageError } from '../errors.ts';
import { formatUuid, type Sha256, uuidBytes } from '../ext4/uuid.ts';
import { bytesSource } from '../plan/bytes-source.ts';
import { composePlans, type PlacedPlan } from '../plan/compose.ts';
import type { Plan } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { roundUp, viewOf } from '../struct.ts';
import { GPT_ATTRIBUTE_HI_READ_ONLY, GPT_ENTRIES, GPT_NAME_LENGTH_MAX } from './format/gpt.ts';
import { MBR_ENTRIES, MBR_LBA_MAX } from './format/mbr.ts';
import { PARTITION_ALIGNMENT, SECTOR_SIZE } from './format/sector.ts';
import { GPT_BACKUP_BYTES, makeGpt } from './gpt.ts';
import { uuidOf } from './guids.ts';
import { makeMbr } from './mbr.ts';
import { PARTITION_TYPES, type PartitionType } from './partition-types.ts';
import { makePfnSuperblock } from './pfn-superblock.ts';

/** The kinds of partition tables. */
export type PartitionTable = 'gpt' | 'mbr';

/** A partition as it goes into a disk. */
export interface Partition {
  readonly plan: Plan;
  /** The number that blob 0 of the plan has in the disk. */
  readonly firstBlob: number;
  readonly type: PartitionType;
  /** The name that a GPT has of it, at most 36 code units of UTF-16; labels of the map begin with it. */
  readonly name: string;
  /** What tells its content from another: a filesystem's UUID. Empty where nothing is known before it is read. */
  readonly identity: string;
  /** Its own UUID, 16 bytes in the order of the digits; default: derived. */
  readonly uuid?: Uint8Array | undefined;
  readonly isReadOnly?: boolean | undefined;
}

/** A partition as it lies in a disk. */
export interface PlacedPartition {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  readonly type: PartitionType;
  /** As /dev/disk/by-partuuid has it. */
  readonly partuuid: string;
  /** In bytes. */
  readonly start: number;
  readonly length: number;
}

/** The plan of a disk. */
export interface DiskPlan extends Plan {
  readonly table: PartitionTable;
  /** The GPT's GUID as text, or the MBR's signature in 8 hexadecimal digits. */
  readonly id: string;
  readonly partitions: readonly PlacedPartition[];
}

/** What decides a disk besides its partitions. */
export interface DiskLayout {
  readonly table: PartitionTable;
  /** Whether a guest may map the disk as NVDIMM without a page cache: a header of 2 MiB, with a second MBR behind it. */
  readonly dax?: boolean;
}

/** Where the disk begins that is seen through NVDIMM, in bytes, and how that mapping is aligned. As Kata Containers has them. */
const DAX_HEADER_BYTES = 2 * 1024 * 1024;
/** Where struct nd_pfn_sb stands, in bytes. */
const PFN_SUPERBLOCK_OFFSET = 4096;

/**
 * Plans a disk of partitions, in their order, each at the next multiple of 1 MiB: a function of them alone. Blobs are numbered as the partitions
 * say. Throws `option-invalid`, or `limit-exceeded` for what the table cannot hold.
 */
export function planDisk(partitions: readonly Partition[], layout: DiskLayout, sha256: () => Sha256): DiskPlan {
  check(partitions, layout);
  const first = layout.dax === true ? DAX_HEADER_BYTES + PARTITION_ALIGNMENT : PARTITION_ALIGNMENT;
  const starts: number[] = [];
  let end = first;
  for (const { plan } of partitions) {
    const start = roundUp(end, PARTITION_ALIGNMENT);
    starts.push(start);
    end = start + roundUp(plan.size, SECTOR_SIZE);
  }
  const size = roundUp(end + (layout.table === 'gpt' ? GPT_BACKUP_BYTES : 0), PARTITION_ALIGNMENT);
  const placed = partitions.map(({ plan, firstBlob, name }, i) => ({ plan, firstBlob, name, start: starts[i]! }));
  return layout.table === 'gpt'
    ? planGptDisk(partitions, placed, size, sha256)
    : planMbrDisk(partitions, placed, size, layout, sha256);
}

function planGptDisk(
  partitions: readonly Partition[],
  placed: readonly PlacedPlan[],
  size: number,
  sha256: () => Sha256,
): DiskPlan {
  const description = describe('gpt', partitions, placed);
  const uuid = uuidOf(description, sha256());
  const entries = partitions.map(({ type, name, uuid: own, isReadOnly = false }, i) => ({
    type: uuidBytes(PARTITION_TYPES[type].guid),
    uuid: own ?? uuidOf(`${description}partition ${i + 1}\n`, sha256()),
    name,
    attributesHigh: isReadOnly ? GPT_ATTRIBUTE_HI_READ_ONLY : 0,
    ...sectorsOf(placed[i]!),
  }));
  const { primary, backup } = makeGpt(uuid, size / SECTOR_SIZE, entries);
  const parts = [
    fixed(primary, 0, 'protective MBR and GPT'),
    ...placed,
    fixed(backup, size - backup.length, 'backup of the GPT'),
  ];
  return {
    ...composePlans(parts, size),
    table: 'gpt',
    id: formatUuid(uuid),
    partitions: partitions.map((partition, i) => toPlaced(partition, placed[i]!, i, formatUuid(entries[i]!.uuid))),
  };
}

function planMbrDisk(
  partitions: readonly Partition[],
  placed: readonly PlacedPlan[],
  size: number,
  { dax = false }: DiskLayout,
  sha256: () => Sha256,
): DiskPlan {
  const signature = viewOf(uuidOf(describe(dax ? 'mbr dax' : 'mbr', partitions, placed), sha256())).getUint32(0);
  const recordsFrom = (offset: number): Uint8Array =>
    makeMbr(
      signature,
      partitions.map(({ type }, i) => ({
        os_type: PARTITION_TYPES[type].mbr,
        ...sectorsOf({ ...placed[i]!, start: placed[i]!.start - offset }),
      })),
    );
  const tables = [fixed(recordsFrom(0), 0, 'MBR')];
  if (dax) {
    const superblock = makePfnSuperblock(DAX_HEADER_BYTES, DAX_HEADER_BYTES);
    tables.push(
      fixed(superblock, PFN_SUPERBLOCK_OFFSET, 'NVDIMM superblock'),
      fixed(recordsFrom(DAX_HEADER_BYTES), DAX_HEADER_BYTES, 'MBR behind the NVDIMM header'),
    );
  }
  const id = signature.toString(16).padStart(8, '0');
  return {
    ...composePlans([...tables, ...placed], size),
    table: 'mbr',
    id,
    partitions: partitions.map((partition, i) => toPlaced(partition, placed[i]!, i, `${id}-0${i + 1}`)),
  };
}

/** What tells a disk from all others. */
function describe(table: string, partitions: readonly Partition[], placed: readonly PlacedPlan[]): string {
  const lines = partitions.map(({ type, name, identity }, i) => {
    const { start, length } = sectorsOf(placed[i]!);
    return `${JSON.stringify([type, name, start, length, identity])}\n`;
  });
  return `blockloom disk 1, ${table}\n${lines.join('')}`;
}

const sectorsOf = ({ plan, start }: PlacedPlan): { start: number; length: number } => ({
  start: start / SECTOR_SIZE,
  length: Math.ceil(plan.size / SECTOR_SIZE),
});

function toPlaced({ name, type }: Partition, placed: PlacedPlan, i: number, partuuid: string): PlacedPartition {
  const { start, length } = sectorsOf(placed);
  return { number: i + 1, name, type, partuuid, start: start * SECTOR_SIZE, length: length * SECTOR_SIZE };
}

function fixed(bytes: Uint8Array, start: number, label: string): PlacedPlan {
  const builder = new RegionsBuilder();
  builder.bytes(0, bytes.length, 0);
  const plan = {
    size: bytes.length,
    regions: builder.finish(),
    bytes: [bytesSource(bytes, label)],
    label: () => label,
  };
  return { plan, start, firstBlob: 0 };
}

function check(partitions: readonly Partition[], { table, dax = false }: DiskLayout): void {
  const max = table === 'gpt' ? GPT_ENTRIES : MBR_ENTRIES;
  if (partitions.length > max) {
    throw new ImageError('limit-exceeded', `${partitions.length} partitions: a table of kind ${table} has ${max}`);
  }
  if (dax && table !== 'mbr') throw new ImageError('option-invalid', 'a disk for DAX has an MBR, no other table');
  for (const { name, plan } of partitions) {
    if (name.length > GPT_NAME_LENGTH_MAX) {
      const what = `the partition name "${name}" has ${name.length} units of UTF-16: at most ${GPT_NAME_LENGTH_MAX}`;
      throw new ImageError('option-invalid', what);
    }
    if (plan.size === 0) throw new ImageError('option-invalid', `the partition ${name} is empty`);
  }
  const sectors = partitions.reduce((sum, { plan }) => sum + (plan.size + PARTITION_ALIGNMENT) / SECTOR_SIZE, 0);
  if (table === 'mbr' && sectors + 3 * (PARTITION_ALIGNMENT / SECTOR_SIZE) > MBR_LBA_MAX) {
    throw new ImageError('limit-exceeded', 'partitions of 2 TiB together and more: an MBR ends there, take a GPT');
  }
}
