import { describe, expect, it } from 'vitest';
import { featuresOf } from '../../../../src/core/ext4/features.ts';
import { type Geometry, needs64bit, planGeometry } from '../../../../src/core/ext4/geometry.ts';
import { reservedIn } from '../../../../src/core/ext4/group-parts.ts';
import { numberInodes } from '../../../../src/core/ext4/numbering.ts';
import { ROOT } from '../../../../src/core/tree/tree.ts';
import { type ImageOptions, toExt4Options } from '../../../../src/image/options.ts';
import { makeTree } from '../../../helpers/make-tree.ts';

const TIB = 1024 ** 4;

function geometryOf(options: ImageOptions): Geometry {
  const planned = toExt4Options(options);
  const features = featuresOf(planned);
  const numbering = numberInodes(makeTree([]), ROOT, 'stable', features);
  const sizes = { record: 1, directories: 5, xattrs: 0, xattrValues: 0, symlinks: 0, mappings: 0, data: 0 };
  return planGeometry({ sizes, numbering, options: planned, features });
}

describe('the largest images', () => {
  it.each<[string, ImageOptions]>([
    ['of a given size', { size: 80 * TIB, features: ['64bit'] }],
    ['with much free room', { free: 80 * TIB, features: ['64bit'] }],
  ])('%s have no more inodes than can be counted', (_, options) => {
    const { groups, inodesPerGroup } = geometryOf(options);
    expect(inodesPerGroup * groups).toBeLessThan(2 ** 32);
    expect((inodesPerGroup + 16) * groups).toBeGreaterThanOrEqual(2 ** 32);
  });

  it('have all inodes that are asked for, or are refused', () => {
    const message = '4294967295 inodes, at most 4286578688 in an image';
    const options: ImageOptions = { size: 64 * TIB, features: ['64bit'] };
    expect(() => geometryOf({ ...options, inodes: 2 ** 32 - 1 })).toThrow(message);
    const { groups, inodesPerGroup } = geometryOf({ ...options, inodes: 4_286_578_688 });
    expect(groups * inodesPerGroup).toBe(4_286_578_688);
  });

  it.each<[string, ImageOptions]>([
    ['ext4', { size: 8000 * TIB, features: ['64bit'] }],
    ['ext2', { size: 8000 * TIB, fs: 'ext2', blockSize: 1024 }],
  ])('that no %s can be are refused before there is anything for each group', (_, options) => {
    expect(() => geometryOf(options)).toThrow(/blocks of metadata in a group, which has \d+$/);
  });
});

describe('a last group', () => {
  it.each<[string, ImageOptions]>([
    ['ext2', { fs: 'ext2', blockSize: 1024, inodes: 1000 }],
    ['ext2 with inodes that make it as long as what it begins with', { fs: 'ext2', blockSize: 1024, inodes: 1120 }],
    ['a journal', { journal: true, blockSize: 1024, inodes: 1000 }],
  ])('of %s has more than what it begins with, or is left out', (_, options) => {
    const seen = new Set<number>();
    for (let blocks = 3 * 8192; blocks < 3 * 8192 + 600; blocks += 4) {
      const geometry = geometryOf({ ...options, size: blocks * 1024 });
      const features = featuresOf(toExt4Options(options));
      const last = geometry.groups - 1;
      const length = geometry.blocks - 1 - last * 8192;
      expect(length).toBeGreaterThan(reservedIn(last, geometry, features));
      expect(geometry.size).toBe(blocks * 1024);
      expect(blocks - geometry.blocks).toBeLessThanOrEqual(reservedIn(3, geometry, features));
      seen.add(geometry.groups);
    }
    expect([...seen]).toEqual([3, 4]);
  });
});

describe('block numbers of 64 bits', () => {
  it('are needed from 2^32 blocks on', () => {
    const geometry = geometryOf({ size: TIB });
    const features = featuresOf(toExt4Options({}));
    expect(needs64bit({ ...geometry, blocks: 2 ** 32 - 1 }, features)).toBe(false);
    expect(needs64bit({ ...geometry, blocks: 2 ** 32 }, features)).toBe(true);
    expect(needs64bit({ ...geometry, blocks: 2 ** 32 }, new Set([...features, '64bit' as const]))).toBe(false);
  });
});
