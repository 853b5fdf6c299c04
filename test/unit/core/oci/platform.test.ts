import { describe, expect, it } from 'vitest';
import { parsePlatform, platformRank, platformText } from '../../../../src/core/oci/platform.ts';

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['Linux/ARM/v6', 'linux/arm/v6'],
    ['linux/arm/v7', 'linux/arm'],
  ])('reads %s as %s', (text, expected) => {
    expect(platformText(parsePlatform(text))).toBe(expected);
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'a/b/c/d', 'linux/am d64'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
  });
});

describe('platformRank', () => {
  const rank = (offered: string, wanted: string): number => platformRank(parsePlatform(offered), parsePlatform(wanted));

  it('prefers the newest variant that still runs', () => {
    expect(rank('linux/arm/v7', 'linux/arm')).toBeGreaterThan(rank('linux/arm/v6', 'linux/arm'));
    expect(rank('linux/arm/v6', 'linux/arm')).toBeGreaterThan(0);
    expect(rank('linux/arm/v7', 'linux/arm/v6')).toBe(0);
    expect(rank('linux/amd64/v3', 'linux/amd64')).toBe(0);
  });

  it('knows other systems and processors', () => {
    expect(rank('windows/amd64', 'linux/amd64')).toBe(0);
    expect(rank('linux/arm', 'linux/arm64')).toBe(0);
    expect(rank('linux/riscv64', 'linux/riscv64')).toBe(1);
  });
});
