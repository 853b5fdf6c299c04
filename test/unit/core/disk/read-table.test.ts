import { describe, expect, it } from 'vitest';
import type { DiskLayout } from '../../../../src/core/disk/disk-plan.ts';
import { GptEntry, GptHeader } from '../../../../src/core/disk/format/gpt.ts';
import { readPartitionTable } from '../../../../src/core/disk/read-table.ts';
import { viewOf } from '../../../../src/core/struct.ts';
import { blobPartition, diskOf } from '../../../helpers/disk.ts';
import { fixChecksums, logicalDisk, putRecords } from '../../../helpers/disk-fuzz.ts';
import { buildFat } from '../../../helpers/fat-image.ts';
import { bytesOfImage, planCase } from '../../../helpers/image-case.ts';
import { memoryDevice } from '../../../helpers/memory-device.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { readFileSync } from 'node:fs';

const SECTOR = 512;
const MIB = 1024 * 1024;
const { offset: ENTRIES_COUNT } = GptHeader.fields.num_partition_entries;
const { offset: LAST_USABLE } = GptHeader.fields.last_usable_lba_lo;
const { offset: ENDING } = GptEntry.fields.ending_lba_lo;
const { offset: STARTING } = GptEntry.fields.starting_lba_lo;

function diskBytes(layout: DiskLayout, count = 2): Uint8Array {
  const partitions = Array.from({ length: count }, (_, i) => blobPartition(0, MIB, { name: `part ${i + 1}` }));
  return plainBytes(diskOf(partitions, layout), [new Uint8Array(MIB).fill(1)]);
}

const read = (bytes: Uint8Array) => readPartitionTable(memoryDevice(bytes));

/** A GPT whose copies were changed alike, with right checksums. `change` gets where a header and its entries are. */
function changedGpt(change: (view: DataView, header: number, entries: number) => void): Uint8Array {
  const bytes = diskBytes({ table: 'gpt' });
  const view = viewOf(bytes);
  const last = bytes.length - SECTOR;
  change(view, SECTOR, 2 * SECTOR);
  change(view, last, last - 32 * SECTOR);
  fixChecksums(bytes);
  return bytes;
}

describe('a GPT', () => {
  it('is read from its backup where its first copy is damaged, with a warning', () => {
    const bytes = diskBytes({ table: 'gpt' });
    const whole = read(bytes)!;
    expect(whole.warnings).toEqual([]);
    expect(whole.partitions.map(({ number, name }) => [number, name])).toEqual([
      [1, 'part 1'],
      [2, 'part 2'],
    ]);
    for (const at of [SECTOR, SECTOR + 60, 2 * SECTOR + 3, 2 * SECTOR + 60]) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      const table = read(damaged)!;
      expect(table.partitions).toEqual(whole.partitions);
      expect(table.warnings).toEqual([expect.stringContaining('the first copy of the GPT is damaged')]);
    }
  });

  it('is told to have a backup that is damaged, or another', () => {
    const bytes = diskBytes({ table: 'gpt' });
    const damaged = bytes.slice();
    damaged[bytes.length - SECTOR + 60]! ^= 1;
    expect(read(damaged)!.warnings).toEqual([expect.stringMatching(/^the backup of the GPT is damaged: checksum of/)]);
    const other = changedGpt((view, header, entries) => {
      if (header !== SECTOR) view.setUint8(entries + GptEntry.fields.partition_name.offset, 0x41);
    });
    expect(read(other)!.warnings).toEqual(['the backup of the GPT is of another table']);
  });

  it('is found at the end where the disk grew behind it', () => {
    const bytes = diskBytes({ table: 'gpt' });
    const larger = new Uint8Array(bytes.length + MIB);
    larger.set(bytes);
    expect(read(larger)).toEqual(read(bytes));
  });

  it('is refused where both copies are damaged', () => {
    const bytes = diskBytes({ table: 'gpt' });
    bytes[SECTOR]! ^= 1;
    bytes[bytes.length - SECTOR]! ^= 1;
    expect(() => read(bytes)).toThrow(
      /no sound GPT behind its protective MBR: first copy: no signature in sector 1; backup: /,
    );
    expect(() => read(bytes.subarray(0, 1024))).toThrow('no sound GPT');
  });

  it.each([
    [
      'ends behind what is for partitions',
      (v: DataView, _h: number, e: number) => v.setUint32(e + ENDING, 99_999, true),
      /partition 1: sectors 2048 to 99999/,
    ],
    [
      'begins behind its end',
      (v: DataView, _h: number, e: number) => v.setUint32(e + STARTING, 5000, true),
      /partition 1: sectors 5000 to 4095/,
    ],
    [
      'overlaps the next',
      (v: DataView, _h: number, e: number) => v.setUint32(e + ENDING, 4096, true),
      /the partitions 1 and 2 overlap/,
    ],
  ])('is refused where a partition %s', (_, change, expected) => {
    expect(() => read(changedGpt(change))).toThrow(expected);
  });

  it.each([
    [
      'more entries than are read',
      (v: DataView, h: number) => v.setUint32(h + ENTRIES_COUNT, 0xffff_ffff, true),
      /4294967295 entries of 128 bytes/,
    ],
    [
      'more sectors than the disk',
      (v: DataView, h: number) => v.setUint32(h + LAST_USABLE, 0xffff_ffff, true),
      /the disk has/,
    ],
  ])('is refused with %s', (_, change, expected) => {
    expect(() => read(changedGpt(change))).toThrow(expected);
  });
});

describe('an MBR', () => {
  it('has no table where it has a filesystem, or nothing', async () => {
    const { image } = await planCase([[{ name: 'a', data: 'a' }]]);
    expect(read(bytesOfImage(image))).toBeUndefined();
    expect(read(readFileSync(await buildFat([{ name: 'a', data: 'a' }])))).toBeUndefined();
    expect(read(new Uint8Array(MIB))).toBeUndefined();
    expect(read(new Uint8Array(100))).toBeUndefined();
  });

  it('for DAX is read as others are', () => {
    const found = read(diskBytes({ table: 'mbr', dax: true }, 1))!;
    expect(found.partitions.map(({ start, length, typeName }) => [start, length, typeName])).toEqual([
      [3 * MIB, MIB, 'linux'],
    ]);
  });

  it('has partitions in extended ones, from number 5', () => {
    const found = read(logicalDisk())!;
    expect(
      found.partitions.map(({ number, typeName, start, length }) => [
        number,
        typeName,
        start / SECTOR,
        length / SECTOR,
      ]),
    ).toEqual([
      [1, 'extended', 2048, 8192],
      [5, 'linux', 2048 + 63, 2048 - 63],
      [6, 'linux', 4096 + 63, 2048 - 63],
      [7, 'linux', 6144 + 63, 2048 - 63],
    ]);
  });

  const own = { type: 0x83, start: 63, length: 100 };
  it.each([
    ['leads back to itself', 6144, [own, { type: 0x05, start: 0, length: 100 }], 'leads back to itself'],
    ['leads out of it', 6144, [own, { type: 0x05, start: 9000, length: 100 }], 'the next record is outside'],
    ['is another', 6144, [own, { type: 0x83, start: 0, length: 100 }], 'the next record has type 0x83'],
    ['has a partition outside', 6144, [{ type: 0x83, start: 63, length: 4096 }], 'bytes 3177984 to 5275136'],
    ['has another extended one', 2048, [{ type: 0x05, start: 63, length: 9 }], 'partition 5 is not in it'],
    ['has no partition at all', 2048, [{ type: 0x83, start: 0, length: 5 }], 'partition 5 of the MBR'],
  ])('is refused where a record of an extended one %s', (_, lba, records, expected) => {
    const bytes = logicalDisk();
    bytes.fill(0, lba * SECTOR, (lba + 1) * SECTOR);
    putRecords(bytes, lba, records);
    expect(() => read(bytes)).toThrow(expected);
  });

  it('is refused where partitions overlap, or end behind the disk', () => {
    const bytes = new Uint8Array(MIB);
    putRecords(bytes, 0, [
      { type: 0x83, start: 100, length: 100 },
      { type: 0x83, start: 199, length: 100 },
    ]);
    expect(() => read(bytes)).toThrow('the partitions 1 and 2 overlap');
    putRecords(bytes, 0, [{ type: 0x83, start: 100, length: 2000 }]);
    expect(() => read(bytes)).toThrow('partition 1 of the MBR: bytes 51200 to 1075200, the disk has 1048576');
  });
});
