import { describe, expect, it } from 'vitest';
import { lockOptions, unlockOptions } from '../../../src/image/locked-options.ts';

describe('the options of a lock', () => {
  it('have every default, and what decides layers only where it was given', () => {
    const defaults = lockOptions({});
    expect(lockOptions({ keepPermissions: false, embedInputs: false })).toEqual(defaults);
    expect(lockOptions({ keepPermissions: true, embedInputs: true })).toEqual({
      ...defaults,
      embedInputs: true,
      keepPermissions: true,
    });
    expect(unlockOptions(defaults)).toMatchObject({ blockSize: 4096, free: 0, mtime: 'fixed', chmodMask: 0 });
  });

  it('are those of their filesystem', () => {
    const uuid = Uint8Array.of(0xab, 0xcd, 0, 1);
    const fat = lockOptions({ fs: 'vfat', fatBits: 32, fatCompat: 'includeos', uuid, veritySalt: Uint8Array.of(1) });
    expect(fat).toEqual({
      fs: 'vfat',
      fatBits: 32,
      fatCompat: 'includeos',
      free: 0,
      label: '',
      uuid: 'ABCD-0001',
      symlinkedParents: 'follow',
      mtime: 'fixed',
      sourceDateEpoch: 1262304000,
      veritySalt: '01',
    });
    expect(unlockOptions(fat)).toMatchObject({ fs: 'vfat', fatBits: 32, uuid, veritySalt: Uint8Array.of(1) });
    const tar = lockOptions({ fs: 'tar', size: 1024, owner: { uid: 1, gid: 2 } });
    expect(tar).toMatchObject({ fs: 'tar', size: 1024, owner: '1:2', chmodMask: '0000' });
    expect(unlockOptions(tar)).toMatchObject({ fs: 'tar', size: 1024, owner: { uid: 1, gid: 2 }, chmodMask: 0 });
    expect(() => unlockOptions({ ...fat, size: 1000 })).toThrow(
      'the lock has options that no image can have: a size of 1000 bytes: a multiple of 512',
    );
    expect(() => unlockOptions({ ...tar, sourceDateEpoch: -1 })).toThrow('a time of -1');
  });

  it.each([
    [{ label: 'é'.repeat(16) }, /a label of 32 bytes: at most 16$/],
    [{ size: 5000 }, /a size of 5000 bytes: a multiple of 4096$/],
    [{ owner: '4294967295:0' }, /owner 4294967295: 0 to 4294967294$/],
    [{ free: -1 }, /free space of -1: 0 or more$/],
    [{ inodes: 2 ** 40 }, /inodes: 1 to 4294967295$/],
  ])("%s are refused as the lock's", (changes, message) => {
    expect(() => unlockOptions({ ...lockOptions({}), ...changes })).toThrow(
      expect.objectContaining({ code: 'lock-invalid', message: expect.stringMatching(message) as string }),
    );
  });
});
