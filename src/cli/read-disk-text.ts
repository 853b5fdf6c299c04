import { displayName, utf8ByteString } from '../core/bytes.ts';
import type { FilledPartition } from '../core/disk/choose-partition.ts';
import type { ReadDisk } from '../image/open-filesystem.ts';
import { nameJson } from './node-text.ts';
import { table } from './table.ts';
import { formatSize } from './units.ts';

/** The partition table of an image for programs; places are in bytes. */
export function readDiskJson({ table: kind, id, partitions }: ReadDisk): object {
  return {
    table: kind,
    id,
    partitions: partitions.map(({ partition, content }) => {
      const { type = null, label, uuid, damage } = content;
      const { number, type: typeId, typeName = null, name, partuuid, start, length } = partition;
      const held = { type, ...nameJson('label', label), uuid, ...(damage !== undefined && { damage }) };
      return { number, type: typeId, typeName, name, partuuid, start, length, content: held };
    }),
  };
}

const HEADER = ['number', 'type', 'name', 'uuid', 'offset', 'length', 'size', 'content'];
/** The columns of numbers. */
const RIGHT = [0, 4, 5];

/** The same for people. */
export function readDiskText({ table: kind, id, partitions }: ReadDisk): string {
  return `disk         ${kind}, ${id}\n${table(HEADER, partitions.map(rowOf), RIGHT)}`;
}

function rowOf({ partition, content }: FilledPartition): string[] {
  const { number, typeName, type, name, partuuid, start, length } = partition;
  const shown = name === '' ? '-' : displayName(utf8ByteString(name));
  const [kind, place] = [typeName ?? type, [String(start), String(length), formatSize(length)]];
  return [String(number), kind, shown, partuuid, ...place, contentText(content)];
}

function contentText({ type, label, uuid, damage }: FilledPartition['content']): string {
  if (type === undefined) return '-';
  const words = [type, ...(label === '' ? [] : [`"${displayName(label)}"`]), ...(uuid === '' ? [] : [uuid])];
  return `${words.join(' ')}${damage === undefined ? '' : `: ${damage}`}`;
}
