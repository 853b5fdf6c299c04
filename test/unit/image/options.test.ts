import { describe, expect, it } from 'vitest';
import { type ImageOptions, toExt4Options } from '../../../src/image/options.ts';

describe('toExt4Options', () => {
  it('has a default for everything', () => {
    expect(toExt4Options({})).toEqual({
      fs: 'ext4',
      features: [],
      fsverity: [],
      mountOptions: [],
      blockSize: 4096,
      size: undefined,
      free: { bytes: 0 },
      inodes: undefined,
      label: '',
      uuid: undefined,
      placement: 'stable',
      symlinkedParents: 'follow',
      metadata: { mtime: 'fixed', epoch: 1262304000, owner: undefined, chmodMask: 0 },
    });
  });

  it('takes room in bytes or percent, and a label as UTF-8', () => {
    expect(toExt4Options({ free: 5 }).free).toEqual({ bytes: 5 });
    expect(toExt4Options({ free: { percent: 7 } }).free).toEqual({ percent: 7 });
    const withJournal = { percent: 10, bytesMin: 16 * 2 ** 20 };
    expect(toExt4Options({ journal: true }).free).toEqual(withJournal);
    expect(toExt4Options({ journal: true, free: 5 }).free).toEqual({ bytes: 5 });
    expect(toExt4Options({ label: 'ü' }).label).toBe('\xc3\xbc');
  });

  it('has names once, in the order that images have them in', () => {
    const features = ['read-only', '64bit', 'read-only'] as const;
    const mountOptions = ['acl', 'user_xattr', 'acl'] as const;
    const options = toExt4Options({ features, mountOptions });
    expect(options.features).toEqual(['64bit', 'read-only']);
    expect(options.mountOptions).toEqual(['user_xattr', 'acl']);
  });

  it('takes a time for the epoch of fixed ones', () => {
    const epoch = (options: ImageOptions): unknown => {
      const { mtime, epoch: seconds } = toExt4Options(options).metadata;
      return [mtime, seconds];
    };
    expect(epoch({ sourceDateEpoch: 9 })).toEqual(['fixed', 9]);
    expect(epoch({ mtime: 5, sourceDateEpoch: 9 })).toEqual(['fixed', 5]);
    expect(epoch({ mtime: 'clamp', sourceDateEpoch: 9 })).toEqual(['clamp', 9]);
    expect(epoch({ mtime: 'keep' })).toEqual(['keep', 1262304000]);
  });

  it('refuses what no inode holds', () => {
    const cases: readonly ImageOptions[] = [
      { owner: { uid: -1, gid: 0 } },
      { owner: { uid: 0, gid: 2 ** 32 - 1 } },
      { owner: { uid: 0.5, gid: 0 } },
      { chmodMask: 0o10000 },
      { chmodMask: -1 },
      { formatVersion: 2 },
    ];
    for (const options of cases) {
      expect(() => toExt4Options(options)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
    }
  });
});
