import { describe, expect, it } from 'vitest';
import { byteString, bytesOf, displayName, utf8ByteString } from '../../../src/core/bytes.ts';

describe('byteString', () => {
  it('keeps every byte, in strings of any length', () => {
    for (const length of [0, 1, 255, 4096, 4097, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) % 256);
      expect(bytesOf(byteString(bytes))).toEqual(bytes);
    }
  });
});

describe('displayName', () => {
  it.each([
    ['etc/hostname', 'etc/hostname'],
    [utf8ByteString('größe/日本'), 'größe/日本'],
    ['caf\xe9\\', 'caf\\xe9\\\\'],
    ['\xff\n\x00', '\\xff\\x0a\\x00'],
    ['a\\b\x1b[31m', 'a\\\\b\\x1b[31m'],
    [utf8ByteString('a\u202eb'), 'a\\u{202e}b'],
  ])('shows %j as %s', (name, shown) => {
    expect(displayName(name)).toBe(shown);
  });

  it('is cut to its limit', () => {
    expect(displayName('n'.repeat(300), 10)).toBe(`${'n'.repeat(9)}…`);
  });
});
