import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultCacheDirectory, makeFolder } from '../../../../src/sources/store/cache-directory.ts';
import { scratch } from '../../../helpers/scratch.ts';

afterEach(() => vi.unstubAllEnvs());

describe('defaultCacheDirectory', () => {
  it('follows the XDG specification', () => {
    vi.stubEnv('HOME', '/home/u');
    vi.stubEnv('XDG_CACHE_HOME', '/caches');
    expect(defaultCacheDirectory()).toBe('/caches/blockloom');
    vi.stubEnv('XDG_CACHE_HOME', 'relative');
    expect(defaultCacheDirectory()).toBe('/home/u/.cache/blockloom');
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    expect(defaultCacheDirectory()).toBe('/home/u/.cache/blockloom');
  });
});

describe('makeFolder', () => {
  it('makes those above it too, and takes those that are there', () => {
    const path = join(scratch(), 'a/b/c');
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('ends where no folder can be made', () => {
    // The kernel says of /proc that there is no such folder, though the one above is there.
    expect(() => makeFolder('/proc/none/such')).toThrow(/ENOENT|EPERM|EACCES|ENOTSUP/);
    expect(() => makeFolder('/dev/null/x')).toThrow('ENOTDIR');
  });
});
