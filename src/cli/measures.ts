import type { Image } from '../image/image.ts';
import type { OpenedImage } from '../image/open-image.ts';
import { diskJson } from './disk-text.ts';
import { formatSize } from './units.ts';

/** What is known of an image that is not written yet. */
export interface Measures {
  /** The size of the image and how much of it a sparse file takes at most, in bytes. */
  readonly size: number;
  readonly allocated: number;
  /** Of the size, the hash tree of dm-verity and its superblock, in bytes. */
  readonly hashTree?: number;
  readonly disk?: object;
  readonly blocks: number;
  readonly blocksUsed: number;
  /** Of filesystems that have a number of them. */
  readonly inodes?: number;
  readonly inodesUsed?: number;
  readonly layers: number;
  readonly entries: number;
  /** Or the volume id of FAT. */
  readonly uuid?: string;
}

export function measure({ image, filesystem, disk, layers }: OpenedImage): Measures {
  const { filesystemSize, blockSize, blocks, inodes, id } = filesystem;
  const tree = disk?.partitions.find(({ type }) => type.endsWith('-verity'));
  const hashTree = disk === undefined ? image.size - filesystemSize : (tree?.length ?? 0);
  return {
    size: image.size,
    allocated: allocatedBytes(image, blockSize),
    ...(hashTree > 0 && { hashTree }),
    ...(disk !== undefined && { disk: diskJson(disk) }),
    blocks: blocks.count,
    blocksUsed: blocks.used,
    ...(inodes !== undefined && { inodes: inodes.count, inodesUsed: inodes.used }),
    layers: layers.length,
    entries: layers.reduce((sum, { index }) => sum + index.count, 0),
    ...(id !== undefined && { uuid: id }),
  };
}

/** How much of an image a sparse file takes at most, when its holes are multiples of `unit`. In bytes. */
export function allocatedBytes(image: Image, unit: number): number {
  let allocated = 0;
  for (const { length, hole } of image.extents(0, image.size, unit)) if (!hole) allocated += length;
  return allocated;
}

/** Names and values for people. */
export function measureRows(measures: Measures): [string, string][] {
  const { size, allocated, hashTree, blocks, blocksUsed, inodes, inodesUsed, layers, entries, uuid } = measures;
  return [
    ['size', `${size} (${formatSize(size)})`],
    ['allocated', `${allocated} (${formatSize(allocated)})`],
    ...(hashTree === undefined ? [] : [['hash tree', `${hashTree} (${formatSize(hashTree)})`] as [string, string]]),
    ['blocks', `${blocksUsed} of ${blocks} in use`],
    ...(inodes === undefined ? [] : [['inodes', `${inodesUsed} of ${inodes} in use`] as [string, string]]),
    ['layers', `${layers} with ${entries} entries`],
    ...(uuid === undefined ? [] : [['uuid', uuid] as [string, string]]),
  ];
}

/** Two columns. */
export function namedRows(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, value]) => `${name.padEnd(11)}${value}`).join('\n');
}
