import { describe, expect, it } from 'vitest';
import { isoTime, modeString, nameJson } from '../../../src/cli/node-text.ts';
import type { ReadInode } from '../../../src/core/ext4/reader/inode.ts';

describe('the text of a mode', () => {
  it.each([
    [1, 0o644, '-rw-r--r--'],
    [2, 0o1777, 'drwxrwxrwt'],
    [2, 0o1666, 'drw-rw-rwT'],
    [1, 0o6755, '-rwsr-sr-x'],
    [1, 0o6644, '-rwSr-Sr--'],
    [7, 0o777, 'lrwxrwxrwx'],
    [3, 0, 'c---------'],
  ])('of type %i and mode %i is as ls has it', (type, mode, text) => {
    expect(modeString({ type, mode } as ReadInode)).toBe(text);
  });
});

describe('a time', () => {
  it('is in UTC, with a fraction where there is one', () => {
    expect(isoTime({ seconds: 0, nanoseconds: 0 })).toBe('1970-01-01T00:00:00Z');
    expect(isoTime({ seconds: -1, nanoseconds: 5 })).toBe('1969-12-31T23:59:59.000000005Z');
    expect(isoTime({ seconds: 2 ** 34 - 2 ** 31 - 1, nanoseconds: 0 })).toBe('2446-05-10T22:38:55Z');
  });
});

describe('a name in JSON', () => {
  it('keeps bytes that are no text', () => {
    expect(nameJson('path', 'a')).toEqual({ path: 'a' });
    expect(nameJson('path', '\xc3\x9f')).toEqual({ path: 'ß' });
    expect(nameJson('path', '\xff')).toEqual({ path: '\ufffd', pathBase64: '/w==' });
  });
});
