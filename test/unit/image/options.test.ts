import { describe, expect, it } from 'vitest';
import { type ImageOptions, toExt4Options, toFilesystemOptions } from '../../../src/image/options.ts';

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

describe('toFilesystemOptions', () => {
  it.each<[ImageOptions, string]>([
    [{ fatBits: 16 }, 'a kind of FAT on ext4, which has none'],
    [{ fs: 'ext2', fatCompat: 'includeos' }, 'compatibility of FAT on ext2, which has none'],
    [{ fs: 'vfat', journal: true }, 'a journal on vfat, which has none'],
    [{ fs: 'vfat', journal: 1 << 20 }, 'a journal on vfat'],
    [{ fs: 'vfat', features: ['64bit'] }, 'features on vfat'],
    [{ fs: 'vfat', fsverity: ['a'] }, 'fs-verity on vfat'],
    [{ fs: 'vfat', blockSize: 4096 }, 'a block size on vfat'],
    [{ fs: 'vfat', deviceSize: 4096 }, 'a device size on vfat'],
    [{ fs: 'vfat', placement: 'stable' }, 'a placement on vfat'],
    [{ fs: 'vfat', chmodMask: 0o22 }, 'a mode mask on vfat'],
    [{ fs: 'tar', label: 'a' }, 'a label on tar'],
    [{ fs: 'tar', uuid: new Uint8Array(16) }, 'a UUID on tar'],
    [{ fs: 'tar', inodes: 5 }, 'a number of inodes on tar'],
    [{ fs: 'tar', formatVersion: 2 }, 'format version 2'],
  ])('refuses %o', (options, message) => {
    const refused = expect.objectContaining({
      code: 'option-invalid',
      message: expect.stringContaining(message) as string,
    });
    expect(() => toFilesystemOptions(options)).toThrow(refused);
  });

  it('takes what says nothing', () => {
    expect(toFilesystemOptions({ fs: 'vfat', journal: false, features: [], fsverity: [] })).toMatchObject({
      fs: 'vfat',
    });
    expect(() => toExt4Options({ fs: 'tar' })).toThrow('tar, where ext4 or ext2 is needed');
  });
});
