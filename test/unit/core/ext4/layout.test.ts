import { describe, expect, it } from 'vitest';
import { checkExt4Options } from '../../../../src/core/ext4/options.ts';
import { featuresOf } from '../../../../src/core/ext4/features.ts';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { numberInodes } from '../../../../src/core/ext4/numbering.ts';
import { ROOT } from '../../../../src/core/tree/tree.ts';
import { type ImageOptions, toExt4Options } from '../../../../src/image/options.ts';
import { directory, link, makeTree, put, symlink } from '../../../helpers/make-tree.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

describe('the smallest images', () => {
  it.each([1024, 2048, 4096] as const)('of nothing have lost+found (blocks of %d)', (blockSize) => {
    const plan = planLayers([], { blockSize });
    expect(plan.size).toBe(1024 * 1024);
    expect(plan.inodes.used).toBe(11);
    expect(plan.locate('lost+found')?.length).toBe(4 * blockSize);
    expect(plainBytes(plan, []).subarray(1024 + 56, 1024 + 58)).toEqual(Uint8Array.of(0x53, 0xef));
  });

  it('are whole MiB that hold what they must', () => {
    const size = (length: number): number => planLayers([[put('a', length)]]).size;
    expect(size(0)).toBe(1024 * 1024);
    expect(size(512 * 1024)).toBe(1024 * 1024);
    expect(size(512 * 1024 + 1)).toBe(2 * 1024 * 1024);
  });
});

describe('options', () => {
  it.each<[string, ImageOptions]>([
    ['a block size of 512: 1024, 2048 or 4096', { blockSize: 512 as 1024 }],
    ['a size of 5000 bytes: a multiple of 4096', { size: 5000 }],
    ['a size of 0 bytes: a multiple of 4096', { size: 0 }],
    ['a size of -4096 bytes: a multiple of 4096', { size: -4096 }],
    ['a UUID of 15 bytes: 16', { uuid: new Uint8Array(15) }],
    ['a label of 18 bytes: at most 16', { label: 'é'.repeat(9) }],
    ['a label that holds a NUL', { label: 'a\0b' }],
    ['free space of -1: 0 or more', { free: -1 }],
    ['free space of NaN: 0 or more', { free: { percent: Number.NaN } }],
    ['0 inodes: 1 to 4294967295', { inodes: 0 }],
    ['1.5 inodes: 1 to 4294967295', { inodes: 1.5 }],
    ['a time of 0.5: whole seconds since 1970, -2147483648 to 15032385535', { mtime: 0.5 }],
    ['a time of -2147483649: whole seconds since 1970, -2147483648 to 15032385535', { sourceDateEpoch: -2147483649 }],
  ])('refuse %s', (message, options) => {
    expect(() => planLayers([], options)).toThrow(expect.objectContaining({ code: 'option-invalid', message }));
  });

  it('refuse a label that is not UTF-8', () => {
    expect(() => checkExt4Options({ ...toExt4Options({}), label: '\xff' })).toThrow('a label that is not UTF-8');
    expect(() => checkExt4Options({ ...toExt4Options({}), label: '\xc3\xbc' })).not.toThrow();
  });

  it('may ask for free space of no whole block', () => {
    expect(planLayers([[put('a', 5)]], { free: 0.5 }).size).toBe(1024 * 1024);
    expect(planLayers([[put('a', 5)]], { free: { percent: 0.001 } }).size).toBe(1024 * 1024);
  });
});

describe('an exact size', () => {
  it('need not be whole MiB', () => {
    const plan = planLayers([[put('a', 4096)]], { size: 600 * 1024 });
    expect(plan.size).toBe(600 * 1024);
  });

  it('leaves inodes for the room that it leaves', () => {
    const plan = planLayers([[put('a', 4096)]], { size: 1024 * 1024 * 1024 });
    const { inodesPerGroup, groups } = plan.geometry;
    expect(inodesPerGroup * groups).toBeGreaterThan(60_000);
    expect(plan.inodes.used).toBe(12);
  });
});

describe('a file of scattered blocks', () => {
  it.each([
    [4, 0],
    [5, 1],
    [4 + 337, 2],
  ])('of %d pieces has %d blocks of extents beside its inode', (pieces, blocks) => {
    const segments = Array.from({ length: pieces }, (_, i) => ({ offset: 2 * i * 4096, length: 4096 }));
    const plan = planLayers([[put('a', 2 * pieces * 4096, { segments })]]);
    const used = planLayers([[put('a', 0)]]).blocks.used;
    expect(plan.blocks.used - used).toBe(pieces + blocks);
    const bytes = plainBytes(plan, [new Uint8Array(pieces * 4096).fill(7)]);
    const filesystem = new Filesystem({
      size: plan.size,
      read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    });
    const found = [...filesystem.runs(filesystem.inode(plan.locate('a')!.ino))].map(({ offset, length }) => ({
      offset,
      length,
    }));
    expect(found).toEqual(segments);
  });
});

describe('links', () => {
  it('that came before their target leave nothing behind', () => {
    const plan = planLayers([[link('b', 'a'), symlink('c', 'b'), put('a', 1), directory('d/')]]);
    expect(plan.inodes.used).toBe(11 + 3);
    expect(plan.locate('b')).toEqual(plan.locate('a'));
  });
});

describe('the links of a directory', () => {
  const features = featuresOf({ fs: 'ext4', journal: undefined, features: [] });
  it.each([
    [0, 2],
    [64_998, 65_000],
    [64_999, 1],
  ])('with %d subdirectories are counted as %d', (count, links) => {
    const tree = makeTree([[directory('d/'), ...Array.from({ length: count }, (_, i) => directory(`d/${i}/`))]]);
    expect(numberInodes(tree, ROOT, 'stable', features).links[1]).toBe(links);
  });
});
