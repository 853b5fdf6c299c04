import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/core/crc32.ts';
import type { DiskPlan } from '../../src/core/disk/disk-plan.ts';
import { GptEntry, GptHeader } from '../../src/core/disk/format/gpt.ts';
import { LegacyMbr, MbrRecord } from '../../src/core/disk/format/mbr.ts';
import { guidBytes } from '../../src/core/disk/guids.ts';
import { PARTITION_TYPES, type PartitionType } from '../../src/core/disk/partition-types.ts';
import { uuidBytes } from '../../src/core/ext4/uuid.ts';
import { readPartitionTable } from '../../src/core/disk/read-table.ts';
import { mapRows } from '../../src/core/plan/map.ts';
import { from64, viewOf } from '../../src/core/struct.ts';
import { PlannedImage } from '../../src/image/image.ts';
import { blobPartition, diskOf } from '../helpers/disk.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { memoryBlob, plainBytes } from '../helpers/memory-plan.ts';

const SECTOR = 512;

/** What a partition has, and what its bytes are. */
const content = fc.record({
  length: fc.integer({ min: 1, max: 1_200_000 }),
  fill: fc.integer({ min: 1, max: 255 }),
  type: fc.constantFrom(...(Object.keys(PARTITION_TYPES) as PartitionType[])),
  name: fc.string({ unit: 'binary', maxLength: 12 }),
});

type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

function made(contents: readonly Content[], table: 'gpt' | 'mbr'): { disk: DiskPlan; blobs: Uint8Array[] } {
  const blobs = contents.map(({ length, fill }) => new Uint8Array(length).fill(fill));
  const partitions = contents.map(({ length, type, name }, i) => blobPartition(i, length, { type, name }));
  return { disk: diskOf(partitions, { table }), blobs };
}

/** The header at a sector, whose checksum is right. */
function headerAt(bytes: Uint8Array, lba: number): ReturnType<typeof GptHeader.read> {
  const sector = bytes.slice(lba * SECTOR, lba * SECTOR + GptHeader.size);
  const header = GptHeader.read(viewOf(sector), 0);
  const { offset } = GptHeader.fields.header_crc32;
  const blank = sector.slice().fill(0, offset, offset + 4);
  expect(header.header_crc32).toBe(crc32(blank));
  return header;
}

/** What the entries that a header names say, as far as they are in use. */
function entriesOf(bytes: Uint8Array, header: ReturnType<typeof GptHeader.read>): unknown[] {
  const at = from64(header.partition_entry_lba_lo, header.partition_entry_lba_hi) * SECTOR;
  const entries = bytes.slice(at, at + header.num_partition_entries * header.sizeof_partition_entry);
  expect(crc32(entries)).toBe(header.partition_entry_array_crc32);
  return Array.from({ length: header.num_partition_entries }, (_, i) =>
    GptEntry.read(viewOf(entries), i * GptEntry.size),
  )
    .filter(({ partition_type_guid }) => partition_type_guid.some((byte) => byte !== 0))
    .map((entry) => ({
      type: Buffer.from(entry.partition_type_guid),
      uuid: Buffer.from(entry.unique_partition_guid),
      name: Buffer.from(entry.partition_name).toString('utf16le').replace(/\0+$/, ''),
      start: from64(entry.starting_lba_lo, entry.starting_lba_hi) * SECTOR,
      end: (from64(entry.ending_lba_lo, entry.ending_lba_hi) + 1) * SECTOR,
    }));
}

describe('a GPT disk', () => {
  it('says in both tables what is where', () => {
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), (contents) => {
        const { disk, blobs } = made(contents, 'gpt');
        const bytes = plainBytes(disk, blobs);
        const primary = headerAt(bytes, 1);
        const last = bytes.length / SECTOR - 1;
        expect([primary.my_lba_lo, primary.alternate_lba_lo]).toEqual([1, last]);
        const backup = headerAt(bytes, last);
        expect([backup.my_lba_lo, backup.alternate_lba_lo]).toEqual([last, 1]);
        const expected = disk.partitions.map(({ type, partuuid, start, length }, i) => ({
          type: Buffer.from(guidBytes(uuidBytes(PARTITION_TYPES[type].guid))),
          uuid: Buffer.from(guidBytes(uuidBytes(partuuid))),
          name: contents[i]!.name.replace(/\0+$/, ''),
          start,
          end: start + length,
        }));
        expect(entriesOf(bytes, primary)).toEqual(expected);
        expect(entriesOf(bytes, backup)).toEqual(expected);
        for (const { end } of expected) expect(end).toBeLessThanOrEqual((primary.last_usable_lba_lo + 1) * SECTOR);
      }),
      { numRuns: 20 },
    );
  });

  it('is read in parts as it is read whole, and its map covers it', () => {
    fc.assert(
      fc.property(
        fc.array(content, { minLength: 1, maxLength: 3 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 100_000 }),
        (contents, where, length) => {
          const { disk, blobs } = made(contents, 'gpt');
          const whole = plainBytes(disk, blobs);
          const offset = Math.floor(where * (disk.size - length));
          const part = new Uint8Array(length);
          new PlannedImage(disk, blobs.map(memoryBlob)).read(offset, part);
          expect(Buffer.compare(part, whole.subarray(offset, offset + length))).toBe(0);
          const rows = Array.from(mapRows(disk));
          expect(rows.at(-1)!.start + rows.at(-1)!.length).toBe(disk.size);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('an MBR disk', () => {
  it('says what is where', () => {
    fc.assert(
      fc.property(fc.array(content, { maxLength: 4 }), (contents) => {
        const { disk, blobs } = made(contents, 'mbr');
        const view = viewOf(plainBytes(disk, blobs));
        expect(LegacyMbr.read(view, 0).unique_mbr_signature).toBe(Number.parseInt(disk.id, 16));
        const records = disk.partitions.map((_, i) =>
          MbrRecord.read(view, LegacyMbr.fields.partition_record.offset + i * MbrRecord.size),
        );
        expect(records.map((r) => [r.os_type, r.starting_lba * SECTOR, r.size_in_lba * SECTOR])).toEqual(
          disk.partitions.map(({ type, start, length }) => [PARTITION_TYPES[type].mbr, start, length]),
        );
      }),
      { numRuns: 20 },
    );
  });
});

describe.each(['gpt', 'mbr'] as const)('a disk of kind %s', (table) => {
  it('is read back as it was made', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 4 }), (contents) => {
        const { disk, blobs } = made(contents, table);
        const read = readPartitionTable(memoryDevice(plainBytes(disk, blobs)))!;
        expect([read.table, read.id, read.warnings]).toEqual([table, disk.id, []]);
        expect(
          read.partitions.map(({ number, partuuid, start, length }) => ({ number, partuuid, start, length })),
        ).toEqual(disk.partitions.map(({ number, partuuid, start, length }) => ({ number, partuuid, start, length })));
        if (table === 'mbr') return;
        expect(read.partitions.map(({ typeName, name }) => [typeName, name])).toEqual(
          disk.partitions.map(({ type, name }) => [type, name.replace(/\0[^]*$/, '')]),
        );
      }),
      { numRuns: 20 },
    );
  });
});
