import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { PAX_GLOBAL_BYTES_MAX, PAX_GLOBAL_RECORDS_MAX } from '../../../../src/core/tar/limits.ts';
import { PaxState, parsePax } from '../../../../src/core/tar/pax.ts';
import { TarPlace } from '../../../../src/core/tar/place.ts';
import { paxRecord } from '../../../helpers/tar-writer.ts';

const place = new TarPlace(3);

describe('parsePax', () => {
  it('keeps values as bytes, and records in their order', () => {
    const pairs = [
      ['path', 'a=b'],
      ['SCHILY.xattr.user.a', 'x\n9 y=z\n\0\xff'],
      ['path', ''],
      ['long', 'v'.repeat(990)],
    ] as const;
    const body = pairs.map(([keyword, value]) => byteString(paxRecord(keyword, value))).join('');
    expect(parsePax(body, place)).toEqual(pairs);
  });

  it('reads an empty body', () => {
    expect(parsePax('', place)).toEqual([]);
  });

  it.each([
    ['no length', 'path=a\n'],
    ['no blank', '123456'],
    ['a length of 0', '0 a=\n'],
    ['a negative length', '-6 a=\n'],
    ['a length beyond the header', '7 a=b\n'],
    ['a length that is too short', '5 a=b\n'],
    ['a number that is too long', `${'9'.repeat(30)} a=b\n`],
    ['no equals sign', '6 abc\n'],
    ['an equals sign in the next record only', '6 abc\n6 a=b\n'],
    ['an empty keyword', '5 =b\n'],
    ['no newline', '6 a=bc'],
    ['padding behind the last record', '6 a=b\n\0'],
  ])('refuses %s', (_, body) => {
    expect(() => parsePax(body, place)).toThrow(/^layer 3, header at 0x0: the PAX record at byte \d+ /);
  });
});

describe('PaxState', () => {
  it('lets a local record win over a global one, for one entry', () => {
    const pax = new PaxState();
    pax.setGlobal(
      [
        ['uid', '1'],
        ['gid', '2'],
      ],
      place,
    );
    pax.setLocal([['uid', '3']]);
    expect([pax.get('uid'), pax.get('gid'), pax.get('path')]).toEqual(['3', '2', undefined]);
    expect([...pax.records()]).toEqual([
      ['gid', '2'],
      ['uid', '3'],
    ]);
    pax.clearLocal();
    expect(pax.get('uid')).toBe('1');
  });

  it('takes an empty value for a deletion', () => {
    const pax = new PaxState();
    pax.setGlobal([['uid', '1']], place);
    pax.setLocal([['uid', '']]);
    expect(pax.get('uid')).toBeUndefined();
    pax.clearLocal();
    pax.setGlobal([['uid', '']], place);
    expect(pax.get('uid')).toBeUndefined();
  });

  it('limits what global headers gather', () => {
    const pax = new PaxState();
    const half = 'v'.repeat(PAX_GLOBAL_BYTES_MAX / 2);
    pax.setGlobal([['a', half]], place);
    pax.setGlobal([['a', half]], place);
    expect(() => pax.setGlobal([['b', half]], place)).toThrow(/at most 65536 are supported/);
    const many = Array.from({ length: PAX_GLOBAL_RECORDS_MAX + 1 }, (_, i) => [`k${i}`, ''] as const);
    expect(() => new PaxState().setGlobal(many, place)).toThrow(/257 records, at most 256/);
    expect(() => new PaxState().setGlobal(many.slice(1), place)).not.toThrow();
  });

  it('refuses a sparse map for every file', () => {
    const error = () => new PaxState().setGlobal([['GNU.sparse.size', '1']], place);
    expect(error).toThrow(expect.objectContaining({ code: 'layer-unsupported' }));
  });
});
