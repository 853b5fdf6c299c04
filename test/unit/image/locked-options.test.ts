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
