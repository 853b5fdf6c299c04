import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { formatUuid } from '../../../src/core/ext4/uuid.ts';
import {
  parseBlockSize,
  parseCount,
  parseFree,
  parseHosts,
  parseModeMask,
  parseMtime,
  parseOffset,
  parseOwner,
  parseSize,
  parseUuid,
} from '../../../src/cli/values.ts';

/** Each of `texts` is refused with a sentence for people. */
function expectRefused(parse: (text: string) => unknown, texts: readonly string[]): void {
  const isRefused = (text: string): boolean => {
    try {
      parse(text);
      return false;
    } catch (error) {
      return error instanceof InvalidArgumentError;
    }
  };
  expect(texts.filter((text) => !isRefused(text))).toEqual([]);
}

describe('sizes', () => {
  it('are bytes, in powers of 1024 where they have a unit', () => {
    const texts = ['0', '4096', '1K', '512M', '1.5G', '2T', '1k', '1KiB', '1kb', '10 MiB', '1B'];
    expect(texts.map(parseSize)).toEqual([
      0,
      4096,
      2 ** 10,
      512 * 2 ** 20,
      1.5 * 2 ** 30,
      2 ** 41,
      2 ** 10,
      2 ** 10,
      2 ** 10,
      10 * 2 ** 20,
      1,
    ]);
  });

  it('are whole bytes, and no more than a number holds', () => {
    expectRefused(parseSize, ['', 'K', '-1', '1.5', '0.3K', '1e3', '1P', '1,5G', '9007199254740993', '10000T', '1M1']);
  });

  it('are blocks of three kinds', () => {
    expect(['1024', '2K', '4096'].map(parseBlockSize)).toEqual([1024, 2048, 4096]);
    expectRefused(parseBlockSize, ['512', '8K', '4095', 'large']);
  });

  it('are offsets, hexadecimal too', () => {
    expect(['0x400', '0X1f', '1K', '17'].map(parseOffset)).toEqual([1024, 31, 1024, 17]);
    expectRefused(parseOffset, ['0x', '0xg', '-0x1', '0x20000000000000']);
  });

  it('are room: a size or a percentage', () => {
    expect(['64M', '10%', '0%', '12.5%'].map(parseFree)).toEqual([
      64 * 2 ** 20,
      { percent: 10 },
      { percent: 0 },
      { percent: 12.5 },
    ]);
    expectRefused(parseFree, ['%', '-1%', 'x%', '1e9%', 'NaN%', ' %', '']);
  });
});

describe('numbers', () => {
  it('are counts from 1', () => {
    expect(['1', '65536'].map(parseCount)).toEqual([1, 65536]);
    expectRefused(parseCount, ['0', '01', '-1', '1.5', '1K', '']);
  });

  it('are owners', () => {
    expect(['0:0', '1000:100', '7', '4294967294:1'].map(parseOwner)).toEqual([
      { uid: 0, gid: 0 },
      { uid: 1000, gid: 100 },
      { uid: 7, gid: 7 },
      { uid: 4294967294, gid: 1 },
    ]);
    expectRefused(parseOwner, ['root', '1:', ':1', '1:2:3', '-1:0', '12345678901']);
  });

  it('are masks of permissions', () => {
    expect(['022', '7777', '0'].map(parseModeMask)).toEqual([0o022, 0o7777, 0]);
    expectRefused(parseModeMask, ['8', '77777', '', 'u+x', '-1']);
  });
});

describe('hosts', () => {
  it('are gathered, with their ports', () => {
    expect(parseHosts('registry:5000')).toEqual(['registry:5000']);
    expect(parseHosts('[::1]:5000', ['a.example'])).toEqual(['a.example', '[::1]:5000']);
  });

  it('are no addresses', () => {
    expectRefused(parseHosts, ['', 'http://a', 'a/b', 'a:b', 'a:123456', 'a:99999', '[1]', 'a@b', 'a b']);
  });
});

describe('UUIDs', () => {
  const text = '01234567-89ab-cdef-0123-456789abcdef';

  it('come and go in one form', () => {
    expect(formatUuid(parseUuid(text))).toBe(text);
    expect(parseUuid(text.toUpperCase().replaceAll('-', ''))).toEqual(parseUuid(text));
    expect([...parseUuid(text)].slice(0, 4)).toEqual([0x01, 0x23, 0x45, 0x67]);
  });

  it('have 32 digits', () => {
    expectRefused(parseUuid, ['', text.slice(1), `${text}0`, text.replace('0', 'g'), `-${text.replaceAll('-', '')}`]);
  });
});

describe('times', () => {
  it('are policies, seconds, or ISO 8601 with a zone', () => {
    expect(['fixed', 'clamp', 'keep'].map(parseMtime)).toEqual(['fixed', 'clamp', 'keep']);
    expect(['0', '-1', '1262304000'].map(parseMtime)).toEqual([0, -1, 1262304000]);
    expect(['2010-01-01', '2010-01-01T00:00Z', '2010-01-01T01:00:00+01:00'].map(parseMtime)).toEqual([
      1262304000, 1262304000, 1262304000,
    ]);
  });

  it('are refused when they depend on where they are read', () => {
    expectRefused(parseMtime, ['2010-01-01T00:00:00', 'now', '1 January 2010', '2010-13-01', '2010-01-01T25:00Z']);
  });

  it('are days that exist', () => {
    expectRefused(parseMtime, ['2010-02-30', '2010-04-31T00:00Z']);
  });
});
