import { describe, expect, it } from 'vitest';
import { GPT_NAME_LENGTH_MAX } from '../../../../src/core/disk/format/gpt.ts';
import { labelAt, mapRows } from '../../../../src/core/plan/map.ts';
import { blobPartition, diskOf } from '../../../helpers/disk.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';

const MIB = 1024 * 1024;

describe('planDisk', () => {
  it('begins partitions at multiples of 1 MiB, and ends where one is', () => {
    const { partitions, size } = diskOf([blobPartition(0, MIB + 1), blobPartition(1, 3 * MIB)]);
    expect(partitions.map(({ start, length }) => ({ start, length }))).toEqual([
      { start: MIB, length: MIB + 512 },
      { start: 3 * MIB, length: 3 * MIB },
    ]);
    expect(size).toBe(7 * MIB);
  });

  it('needs no room behind the last partition with an MBR', () => {
    expect(diskOf([blobPartition(0, 3 * MIB)], { table: 'mbr' }).size).toBe(4 * MIB);
  });

  it('says what lies where', () => {
    const disk = diskOf([blobPartition(0, 1024, { name: 'config' })]);
    expect(Array.from(mapRows(disk), ({ start, label }) => `${start} ${label}`)).toEqual([
      '0 protective MBR and GPT',
      '17408 unused',
      `${MIB} config: content`,
      `${MIB + 1024} unused`,
      `${2 * MIB - 33 * 512} backup of the GPT`,
    ]);
    expect(labelAt(disk, 512)).toBe('protective MBR and GPT');
  });

  it('has the same UUIDs for the same partitions, and others for others', () => {
    const ids = [{}, {}, { name: 'other' }, { type: 'home' as const }, { identity: 'x' }].map((more) =>
      diskOf([blobPartition(0, 512, more), blobPartition(1, 512)]),
    );
    expect(ids[1]).toMatchObject({ id: ids[0]!.id, partitions: ids[0]!.partitions });
    expect(new Set(ids.map(({ id }) => id)).size).toBe(4);
    expect(new Set(ids.flatMap(({ partitions }) => partitions.map(({ partuuid }) => partuuid))).size).toBe(8);
  });

  it('has a header for NVDIMM before an MBR of its own', () => {
    const disk = diskOf([blobPartition(0, MIB)], { table: 'mbr', dax: true });
    const bytes = Buffer.from(plainBytes(disk, [new Uint8Array(MIB).fill(1)]));
    expect(disk.partitions[0]).toMatchObject({ start: 3 * MIB, partuuid: `${disk.id}-01` });
    expect([bytes.readUInt32LE(0x1c6), bytes.readUInt32LE(2 * MIB + 0x1c6)]).toEqual([6144, 2048]);
    expect(bytes.toString('latin1', 4096, 4096 + 15)).toBe('NVDIMM_PFN_INFO');
    expect(bytes.indexOf(1)).toBeLessThan(3 * MIB);
  });

  it('refuses what a table cannot hold', () => {
    const five = Array.from({ length: 5 }, (_, i) => blobPartition(i, 512));
    expect(() => diskOf(five, { table: 'mbr' })).toThrow('5 partitions: a table of kind mbr has 4');
    expect(() => diskOf([blobPartition(0, 512)], { table: 'gpt', dax: true })).toThrow('a disk for DAX has an MBR');
    expect(() => diskOf([blobPartition(0, 0)])).toThrow('the partition data is empty');
    const name = 'x'.repeat(GPT_NAME_LENGTH_MAX + 1);
    expect(() => diskOf([blobPartition(0, 512, { name })])).toThrow('37 units of UTF-16: at most 36');
    expect(() => diskOf([blobPartition(0, 2 ** 41)], { table: 'mbr' })).toThrow('an MBR ends there');
  });
});
