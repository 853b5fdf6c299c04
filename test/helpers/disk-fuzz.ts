import { crc32 } from '../../src/core/crc32.ts';
import { GptHeader } from '../../src/core/disk/format/gpt.ts';
import { readPartitionTable } from '../../src/core/disk/read-table.ts';
import { contentOf } from '../../src/core/disk/partition-content.ts';
import { ImageError } from '../../src/core/errors.ts';
import { viewOf } from '../../src/core/struct.ts';
import { blobPartition, diskOf } from './disk.ts';
import { damage, type FuzzedImage } from './ext4-fuzz.ts';
import { memoryDevice } from './memory-device.ts';
import { plainBytes } from './memory-plan.ts';

const SECTOR = 512;
const MIB = 1024 * 1024;
/** What the entries of a GPT take. */
const ENTRIES_BYTES = 128 * 128;

/** Disks of 5 MiB with partitions of 1 MiB whose tables are damaged. */
export const FUZZED_DISKS = ['gpt', 'mbr', 'logical'] as const;

export function makeFuzzedDisk(kind: (typeof FUZZED_DISKS)[number]): FuzzedImage {
  if (kind === 'logical') return { bytes: logicalDisk(), blocks: [0, 1024, 2048, 3072] };
  const content = new Uint8Array(MIB).fill(1);
  const partitions = ['one', 'two', 'three'].map((name) => blobPartition(0, MIB, { name }));
  const bytes = plainBytes(diskOf(partitions, { table: kind }), [content]);
  const last = bytes.length / 1024;
  const blocks = kind === 'mbr' ? [0] : [0, 0, 0, 1, 2, last - 1, last - 1, last - 17];
  return { bytes, blocks };
}

/** A disk whose extended partition, from 1 MiB on, has three logical ones. */
export function logicalDisk(): Uint8Array {
  const bytes = new Uint8Array(5 * MIB);
  const sectors = MIB / SECTOR;
  putRecords(bytes, 0, [{ type: 0x05, start: sectors, length: 4 * sectors }]);
  for (let i = 0; i < 3; i++) {
    const own = { type: 0x83, start: 63, length: sectors - 63 };
    const next = { type: 0x05, start: (i + 1) * sectors, length: sectors };
    putRecords(bytes, (1 + i) * sectors, i < 2 ? [own, next] : [own]);
  }
  return bytes;
}

/** Writes a boot record with partitions, all in sectors. */
export function putRecords(
  bytes: Uint8Array,
  lba: number,
  records: readonly { readonly type: number; readonly start: number; readonly length: number }[],
): void {
  const view = viewOf(bytes);
  const at = lba * SECTOR;
  view.setUint16(at + 510, 0xaa55, true);
  for (const [i, { type, start, length }] of records.entries()) {
    const record = at + 446 + 16 * i;
    view.setUint8(record + 4, type);
    view.setUint32(record + 8, start, true);
    view.setUint32(record + 12, length, true);
  }
}

/** Makes the checksums of both copies of a GPT right again. */
export function fixChecksums(bytes: Uint8Array): void {
  const { header_crc32, partition_entry_array_crc32 } = GptHeader.fields;
  const view = viewOf(bytes);
  const last = bytes.length - SECTOR;
  for (const [header, entries] of [
    [SECTOR, 2 * SECTOR],
    [last, last - ENTRIES_BYTES],
  ] as const) {
    view.setUint32(
      header + partition_entry_array_crc32.offset,
      crc32(bytes.subarray(entries, entries + ENTRIES_BYTES)),
      true,
    );
    view.setUint32(header + header_crc32.offset, 0, true);
    view.setUint32(header + header_crc32.offset, crc32(bytes.subarray(header, header + GptHeader.size)), true);
  }
}

/** Damages a disk's table, and reads it; whatever is wrong has to be told by an error about the image. */
export function fuzzDisk(image: FuzzedImage, isGpt: boolean, seed: number): void {
  const { damaged, undo } = damage(image, seed);
  // Else its checksums alone would find all damage.
  if (isGpt && seed % 2 === 0 && damaged.length === image.bytes.length) fixChecksums(damaged);
  try {
    const device = memoryDevice(damaged);
    const table = readPartitionTable(device);
    for (const { start, length } of table?.partitions ?? [])
      contentOf(memoryDevice(damaged.subarray(start, start + length)));
  } catch (error) {
    const isTold = error instanceof ImageError && error.code === 'image-corrupt' && !error.message.includes('\n');
    if (!isTold) throw error;
  } finally {
    undo();
    if (isGpt) fixChecksums(image.bytes);
  }
}
