import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultCacheDirectory } from '../../../../src/sources/store/cache-directory.ts';

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
