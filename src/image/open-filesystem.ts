import { choosePartition, type FilledPartition } from '../core/disk/choose-partition.ts';
import { diskMapRows } from '../core/disk/disk-map.ts';
import { contentOf, filesystemKind } from '../core/disk/partition-content.ts';
import type { ReadTable } from '../core/disk/read-partitions.ts';
import { readPartitionTable } from '../core/disk/read-table.ts';
import { ImageError } from '../core/errors.ts';
import { SUPERBLOCK_OFFSET, Superblock } from '../core/ext4/format/superblock.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import { FatFilesystem } from '../core/fat/reader/filesystem.ts';
import type { MapRow } from '../core/plan/map.ts';
import type { Image } from './image.ts';
import { PartOfImage } from './part-of-image.ts';

/** What lives where on a disk that was read, in order and without gap. Throws as reading its filesystems does. */
export function mapDisk(image: Image, { parts, partitions }: ReadDisk): Generator<MapRow, void> {
  const mapped = partitions
    .filter(({ partition }) => !partition.isExtended)
    .map(({ partition, content }) => {
      const device = new PartOfImage(image, partition.start, partition.length);
      const isRead = content.isFilesystem && content.damage === undefined;
      const filesystem = isRead ? filesystemOf(device) : undefined;
      return { partition, device, filesystem, content: content.type ?? 'content' };
    });
  return diskMapRows(image.size, parts, mapped);
}

/** The partition table of an image, and what its partitions hold. */
export interface ReadDisk extends Omit<ReadTable, 'partitions'> {
  readonly partitions: readonly FilledPartition[];
}

/** A filesystem in an image, and where it is. */
export interface FoundFilesystem {
  readonly filesystem: Filesystem | FatFilesystem;
  /** What the filesystem takes: the image, or a partition of it. */
  readonly image: Image;
  /** Undefined where the image has no partition table. */
  readonly disk: ReadDisk | undefined;
  readonly partition: FilledPartition | undefined;
}

/** Reads the partition table of an image; undefined where it has none. Throws `image-corrupt`. */
export function readDisk(image: Image): ReadDisk | undefined {
  const table = readPartitionTable(image);
  if (table === undefined) return undefined;
  const partitions = table.partitions.map((partition) => {
    const part = new PartOfImage(image, partition.start, partition.length);
    return { partition, content: contentOf(part) };
  });
  return { ...table, partitions };
}

/**
 * Opens the filesystem of an image: ext2, ext3, ext4 or FAT. Of a disk that of the partition which `wanted` is the number, name or label of; by
 * default of its root partition, or of the only one that is read here. Throws `option-invalid` where that is none or several, and `image-corrupt`
 * or `image-unsupported`.
 */
export function openFilesystem(image: Image, wanted?: string): FoundFilesystem {
  const disk = readDisk(image);
  if (disk === undefined) {
    if (wanted === undefined) return { filesystem: filesystemOf(image), image, disk, partition: undefined };
    throw new ImageError('option-invalid', `partition ${wanted} of an image that has no partition table`);
  }
  return { ...openPartition(image, choosePartition(disk.partitions, wanted)), disk };
}

function openPartition(image: Image, chosen: FilledPartition): Omit<FoundFilesystem, 'disk'> {
  const { number, start, length } = chosen.partition;
  const part = new PartOfImage(image, start, length);
  try {
    return { filesystem: filesystemOf(part), image: part, partition: chosen };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.code, `partition ${number}: ${error.message}`, {}, { cause: error });
  }
}

function filesystemOf(image: Image): Filesystem | FatFilesystem {
  const head = new Uint8Array(Math.min(SUPERBLOCK_OFFSET + Superblock.size, image.size));
  image.read(0, head);
  return filesystemKind(head) === 'fat' ? new FatFilesystem(image) : new Filesystem(image);
}
