import { describe, expect, it } from 'vitest';
import { readPartitionTable } from '../../src/core/disk/read-table.ts';
import { FUZZED_DISKS, fuzzDisk, makeFuzzedDisk } from '../helpers/disk-fuzz.ts';
import { memoryDevice } from '../helpers/memory-device.ts';

const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 600);

describe('the reader of partition tables', () => {
  it.each(FUZZED_DISKS)('reads damaged tables of kind %s, or says what is wrong', (kind) => {
    const image = makeFuzzedDisk(kind);
    const whole = readPartitionTable(memoryDevice(image.bytes));
    expect(whole?.partitions.filter(({ isExtended }) => !isExtended)).toHaveLength(3);
    for (let seed = 0; seed < RUNS; seed++)
      expect(() => fuzzDisk(image, kind === 'gpt', seed), `seed ${seed}`).not.toThrow();
    expect(readPartitionTable(memoryDevice(image.bytes))).toEqual(whole);
  });
});
