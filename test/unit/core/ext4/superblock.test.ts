import { describe, expect, it } from 'vitest';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { makeSuperblock, type SuperblockParts } from '../../../../src/core/ext4/superblock.ts';
import { featuresOf } from '../../../../src/core/ext4/features.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import { toExt4Options } from '../../../../src/image/options.ts';
import { put } from '../../../helpers/make-tree.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

const KIB = 1024;
const GROUP = 8192;

describe('copies of the superblock', () => {
  const plan = planLayers([[put('a', 5)]], { journal: true, blockSize: KIB, free: 20 * KIB * KIB });
  const bytes = Buffer.from(plainBytes(plan, [new Uint8Array(5)]));
  const { backupGroups, groupDescriptorBlocks, groups, descriptorSize, reservedGdtBlocks } = plan.geometry;

  it('are those of groups 1 and the powers of 3, 5 and 7, with the descriptors behind each', () => {
    expect(backupGroups).toEqual([1, 3].filter((group) => group < groups));
    const primary = bytes.subarray(KIB, 2 * KIB);
    const descriptors = bytes.subarray(2 * KIB, 2 * KIB + groups * descriptorSize);
    for (const group of backupGroups) {
      const start = (1 + group * GROUP) * KIB;
      const copy = Buffer.from(bytes.subarray(start, start + KIB));
      expect([copy.readUInt16LE(0x3a), copy.readUInt16LE(0x5a)]).toEqual([0, group]);
      copy.writeUInt16LE(primary.readUInt16LE(0x3a), 0x3a);
      copy.writeUInt16LE(0, 0x5a);
      copy.writeUInt32LE(primary.readUInt32LE(0x3fc), 0x3fc);
      expect(copy.toString('hex')).toBe(primary.toString('hex'));
      expect(bytes.subarray(start + KIB, start + KIB + descriptors.length)).toEqual(descriptors);
    }
  });

  it('are what the map says of their blocks', () => {
    const rows = [...mapRows(plan, 0, plan.size)];
    const at = (block: number): string | undefined => {
      const offset = block * KIB;
      return rows.find(({ start, length }) => start <= offset && offset < start + length)?.label;
    };
    const first = 1 + GROUP;
    expect(at(first)).toBe('backup of the superblock, group 1');
    expect(at(first + 1)).toBe('backup of the group descriptors, group 1');
    expect(at(first + 1 + groupDescriptorBlocks)).toMatch(/^(?:reserved group|backup of the group) descriptors/);
    expect(plan.label(0, (first + 1 + groupDescriptorBlocks) * KIB)).toBe('reserved group descriptors, group 1');
    expect(plan.label(0, (first + 1 + groupDescriptorBlocks + reservedGdtBlocks) * KIB)).toBe('free');
  });
});

describe('what the superblock says of the journal', () => {
  it('is its inode, and what stands in that inode should it be lost', () => {
    const plan = planLayers([], { journal: true });
    const bytes = Buffer.from(plainBytes(plan, []));
    const filesystem = new Filesystem({
      size: plan.size,
      read: (offset, target) => void bytes.copy(target, 0, offset),
    });
    const inode = filesystem.inode(8);
    expect(bytes.readUInt32LE(KIB + 0xe0)).toBe(8);
    expect(bytes[KIB + 0xfd]).toBe(1);
    expect(bytes.subarray(KIB + 0x10c, KIB + 0x10c + 60)).toEqual(Buffer.from(inode.map));
    expect(inode.size).toBe(1024 * 4096);
    expect([bytes.readUInt32LE(KIB + 0x148), bytes.readUInt32LE(KIB + 0x14c)]).toEqual([0, inode.size]);
  });

  it('has the high bits of a long one', () => {
    const { geometry } = planLayers([], { journal: true });
    const options = toExt4Options({ journal: true });
    const journal = { i_block: new Uint8Array(60), size: 9 * 2 ** 32 + 4096 };
    const free = { freeBlocks: 0, freeInodes: 0 };
    const parts: SuperblockParts = {
      geometry,
      options,
      features: featuresOf(options),
      uuid: new Uint8Array(16),
      free,
      journal,
    };
    const bytes = Buffer.from(makeSuperblock(parts));
    expect([bytes.readUInt32LE(0x148), bytes.readUInt32LE(0x14c)]).toEqual([9, 4096]);
  });
});
