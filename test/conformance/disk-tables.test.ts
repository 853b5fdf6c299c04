import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DiskLayout, DiskPlan, Partition } from '../../src/core/disk/disk-plan.ts';
import { PARTITION_TYPES, type PartitionType } from '../../src/core/disk/partition-types.ts';
import { planSwap } from '../../src/core/disk/swap.ts';
import { uuidBytes } from '../../src/core/ext4/uuid.ts';
import { blobPartition, diskOf } from '../helpers/disk.ts';
import { plainBytes } from '../helpers/memory-plan.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const MIB = 1024 * 1024;
const SWAP_UUID = '01234567-89ab-8def-8123-456789abcdef';

/** Writes a disk whose blob is as many bytes of 1. */
function written(partitions: readonly Partition[], layout: DiskLayout): { path: string; disk: DiskPlan } {
  const disk = diskOf(partitions, layout);
  const path = join(scratch(), 'disk.img');
  writeFileSync(path, plainBytes(disk, [new Uint8Array(2 * MIB).fill(1)]));
  return { path, disk };
}

/** What sfdisk reads of a partition. */
interface Found {
  readonly start: number;
  readonly size: number;
  readonly type: string;
  readonly uuid?: string;
  readonly name?: string;
  readonly attrs?: string;
}

function sfdisk(path: string): { id: string; label: string; partitions: Found[] } {
  const { partitiontable } = JSON.parse(run('sfdisk', ['--json', path]).toString()) as {
    partitiontable: { id: string; label: string; partitions: Found[] };
  };
  return partitiontable;
}

const TYPES = Object.keys(PARTITION_TYPES) as PartitionType[];

describe.skipIf(!requireTools('sgdisk', 'sfdisk', 'blkid'))('a GPT', () => {
  it('has no fault for sgdisk and sfdisk, which read what was written', () => {
    const { path, disk } = written(
      TYPES.map((type, i) =>
        blobPartition(0, 1000 + 700_000 * (i % 3), { type, name: `${type} ü`, isReadOnly: i === 2 }),
      ),
      { table: 'gpt' },
    );
    expect(run('sgdisk', ['-v', path]).toString()).toContain('No problems found');
    expect(run('sfdisk', ['--verify', path]).toString()).toContain('No errors detected');
    const found = sfdisk(path);
    expect([found.label, found.id.toLowerCase()]).toEqual(['gpt', disk.id]);
    expect(found.partitions.map(({ start, size, uuid }) => ({ start, size, uuid: uuid?.toLowerCase() }))).toEqual(
      disk.partitions.map(({ start, length, partuuid }) => ({
        start: start / 512,
        size: length / 512,
        uuid: partuuid,
      })),
    );
    expect(found.partitions.map(({ type, name }) => ({ type: type.toLowerCase(), name }))).toEqual(
      TYPES.map((type) => ({ type: PARTITION_TYPES[type].guid, name: `${type} ü` })),
    );
    expect(found.partitions.filter(({ attrs }) => attrs !== undefined)).toMatchObject([{ attrs: 'GUID:60' }]);
  });

  it.each([
    ['esp', 'EFI System'],
    ['xbootldr', 'Linux extended boot'],
    ['root-x86-64', 'Linux root (x86-64)'],
    ['root-x86-64-verity', 'Linux root verity (x86-64)'],
    ['root-arm64', 'Linux root (ARM-64)'],
    ['root-arm64-verity', 'Linux root verity (ARM-64)'],
    ['swap', 'Linux swap'],
    ['home', 'Linux home'],
    ['srv', 'Linux server data'],
    ['var', 'Linux variable data'],
    ['linux-generic', 'Linux filesystem'],
    ['basic-data', 'Microsoft basic data'],
  ] as const)('calls %s what sfdisk does', (type, expected) => {
    const { path } = written([blobPartition(0, 512, { type })], { table: 'gpt' });
    expect(run('sfdisk', ['-l', '-o', 'Type', path]).toString().trimEnd().split('\n').at(-1)).toBe(expected);
  });

  it('has a backup from which sgdisk rebuilds the rest', () => {
    const { path } = written([blobPartition(0, MIB)], { table: 'gpt' });
    const before = run('sha256sum', [path]).toString();
    run('dd', ['if=/dev/zero', `of=${path}`, 'bs=512', 'seek=1', 'count=33', 'conv=notrunc', 'status=none']);
    run('sgdisk', ['--move-second-header', path]);
    expect(run('sha256sum', [path]).toString()).toBe(before);
  });
});

describe.skipIf(!requireTools('sfdisk', 'blkid'))('an MBR', () => {
  it('has no fault for sfdisk, which reads what was written', () => {
    const types = ['esp', 'linux-generic', 'swap', 'basic-data'] as const;
    const { path, disk } = written(
      types.map((type) => blobPartition(0, 1000, { type })),
      { table: 'mbr' },
    );
    expect(run('sfdisk', ['--verify', path]).toString()).toContain('No errors detected');
    const found = sfdisk(path);
    expect([found.label, found.id]).toEqual(['dos', `0x${disk.id}`]);
    expect(found.partitions.map(({ start, size, type }) => [start, size, type])).toEqual([
      [2048, 2, 'ef'],
      [4096, 2, '83'],
      [6144, 2, '82'],
      [8192, 2, 'c'],
    ]);
  });

  it('stands before and behind the header for NVDIMM', () => {
    const { path } = written([blobPartition(0, MIB)], { table: 'mbr', dax: true });
    expect(sfdisk(path).partitions).toMatchObject([{ start: 6144, size: 2048 }]);
    const inner = join(scratch(), 'inner.img');
    run('dd', [`if=${path}`, `of=${inner}`, 'bs=1M', 'skip=2', 'status=none']);
    expect(sfdisk(inner).partitions).toMatchObject([{ start: 2048, size: 2048 }]);
  });
});

describe.skipIf(!requireTools('blkid', 'swaplabel', 'mkswap'))('swap', () => {
  const plan = planSwap(MIB, uuidBytes(SWAP_UUID), 'swapped');

  it('is what blkid and swaplabel read', () => {
    const path = join(scratch(), 'swap.img');
    writeFileSync(path, plainBytes(plan, []));
    expect(run('swaplabel', [path]).toString()).toBe(`LABEL: swapped\nUUID:  ${SWAP_UUID}\n`);
    expect(run('blkid', ['-p', '-o', 'value', '-s', 'TYPE', path]).toString()).toBe('swap\n');
  });

  it('is what mkswap writes', () => {
    const path = join(scratch(), 'swap.img');
    run('truncate', ['-s', String(MIB), path]);
    run('mkswap', ['-q', '-L', 'swapped', '-U', SWAP_UUID, path]);
    expect(run('cat', [path]).equals(Buffer.from(plainBytes(plan, [])))).toBe(true);
  });
});
