import { displayName, utf8ByteString } from '../bytes.ts';
import { Filesystem } from '../ext4/reader/filesystem.ts';
import { type ReadMapRow, readMapRows } from '../ext4/reader/read-map.ts';
import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import type { FatFilesystem } from '../fat/reader/filesystem.ts';
import { fatMapRows } from '../fat/reader/read-map.ts';
import type { MapRow } from '../plan/map.ts';
import type { ReadPartition, TablePart } from './read-partitions.ts';

/** What of a disk is mapped: a part of its table, or a partition. */
export interface MappedPartition {
  readonly partition: ReadPartition;
  readonly device: BlockDevice;
  /** Undefined for what is not read here. */
  readonly filesystem: Filesystem | FatFilesystem | undefined;
  /** Stands for what is not read here. */
  readonly content: string;
}

/** What lives where in a filesystem, in order and without gap. `size` is the image's, in bytes. */
export function filesystemRows(filesystem: Filesystem | FatFilesystem, size: number): Generator<ReadMapRow, void> {
  return filesystem instanceof Filesystem ? readMapRows(filesystem, size) : fatMapRows(filesystem, size);
}

/** What lives where on a disk of `size` bytes, in order and without gap; labels begin with the partition's name. */
export function* diskMapRows(
  size: number,
  tableParts: readonly TablePart[],
  partitions: readonly MappedPartition[],
): Generator<MapRow, void> {
  const parts = [
    ...tableParts.map((part) => ({ ...part, rows: [wholeRow(part.length, part.label)] })),
    ...partitions.map((mapped) => ({ ...mapped.partition, rows: partitionRows(mapped) })),
  ].sort((a, b) => a.start - b.start);
  let end = 0;
  for (const { start, rows } of parts) {
    if (start > end) yield { start: end, length: start - end, zero: false, label: 'unused' };
    for (const row of rows) {
      const [from, to] = [Math.max(start + row.start, end), start + row.start + row.length];
      // A table may say that a partition lies on it.
      if (to > from) yield { ...row, start: from, length: to - from };
      end = Math.max(end, to);
    }
  }
  if (end < size) yield { start: end, length: size - end, zero: false, label: 'unused' };
}

function* partitionRows({ partition, device, filesystem, content }: MappedPartition): Generator<MapRow, void> {
  const name = partitionLabel(partition);
  if (filesystem === undefined) return yield wholeRow(device.size, `${name}: ${content}`);
  for (const row of filesystemRows(filesystem, device.size)) yield { ...row, label: `${name}: ${row.label}` };
}

/** What a partition is called in maps. */
export const partitionLabel = ({ name, number }: ReadPartition): string =>
  name === '' ? `partition ${number}` : displayName(utf8ByteString(name));

const wholeRow = (length: number, label: string): MapRow => ({ start: 0, length, zero: false, label });
