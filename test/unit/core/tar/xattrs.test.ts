import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { PaxState } from '../../../../src/core/tar/pax.ts';
import { TarPlace } from '../../../../src/core/tar/place.ts';
import { paxXattrs } from '../../../../src/core/tar/xattrs.ts';
import type { PaxPair } from '../../../helpers/tar-writer.ts';

function read(...records: PaxPair[]): Record<string, string> {
  const pax = new PaxState();
  pax.setLocal(records.map(([keyword, value]) => [keyword, String(value)]));
  return Object.fromEntries(paxXattrs(pax, new TarPlace(0)).map(({ name, value }) => [name, byteString(value)]));
}

const base64 = (value: string): string => Buffer.from(value, 'latin1').toString('base64');

describe('paxXattrs', () => {
  it('keeps binary values', () => {
    const value = byteString(Uint8Array.from({ length: 256 }, (_, i) => i));
    expect(read(['SCHILY.xattr.security.capability', value])).toEqual({ 'security.capability': value });
  });

  it('keeps an empty value, and a name with an equals sign as far as PAX can have one', () => {
    expect(read(['SCHILY.xattr.user.empty', ''])).toEqual({ 'user.empty': '' });
  });

  it('reads libarchive names and values, with and without padding', () => {
    const keyword = 'LIBARCHIVE.xattr.user.a%20%3D%ff';
    for (const value of ['', 'a', 'ab', 'abc', 'a\0\n\xff']) {
      expect(read([keyword, base64(value)])).toEqual({ 'user.a =\xff': value });
      expect(read([keyword, base64(value).replaceAll('=', '')])).toEqual({ 'user.a =\xff': value });
    }
  });

  it('takes the SCHILY form where there are both', () => {
    const both: PaxPair[] = [
      ['LIBARCHIVE.xattr.user.a', base64('encoded')],
      ['SCHILY.xattr.user.a', 'plain'],
      ['LIBARCHIVE.xattr.user.b', base64('only')],
    ];
    expect(read(...both)).toEqual({ 'user.a': 'plain', 'user.b': 'only' });
    expect(read(...both.reverse())).toEqual({ 'user.a': 'plain', 'user.b': 'only' });
  });

  it('makes ACLs into attributes, unless the attribute itself is there', () => {
    const text = 'user::rwx,group::r-x,other::---';
    const value = '\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x04\0\x05\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff';
    expect(read(['SCHILY.acl.access', text])).toEqual({ 'system.posix_acl_access': value });
    expect(read(['SCHILY.acl.default', text])).toEqual({ 'system.posix_acl_default': value });
    expect(read(['SCHILY.acl.access', text], ['SCHILY.xattr.system.posix_acl_access', 'own'])).toEqual({
      'system.posix_acl_access': 'own',
    });
    expect(read(['SCHILY.acl.access', ''])).toEqual({});
  });

  it('leaves other keywords alone', () => {
    expect(read(['comment', 'x'], ['SCHILY.fflags', 'nodump'], ['path', 'a'])).toEqual({});
  });

  it('accepts what is just within the limits', () => {
    const name = `user.${'n'.repeat(250)}`;
    const value = '\xff'.repeat(65536);
    expect(read([`SCHILY.xattr.${name}`, value], ['SCHILY.xattr.user.b', value])).toEqual({
      [name]: value,
      'user.b': value,
    });
  });

  it.each([
    ['name-invalid', 'an empty name', ['SCHILY.xattr.', 'v']],
    ['name-invalid', 'a prefix alone', ['SCHILY.xattr.user.', 'v']],
    ['name-invalid', 'a NUL in a name', ['LIBARCHIVE.xattr.user.a%00', 'dg']],
    ['limit-exceeded', 'a name of 256 bytes', [`SCHILY.xattr.user.${'n'.repeat(251)}`, 'v']],
    ['limit-exceeded', 'a value of 65537 bytes', ['SCHILY.xattr.user.a', 'v'.repeat(65537)]],
    ['layer-corrupt', 'a value that is not base64', ['LIBARCHIVE.xattr.user.a', 'd*==']],
    ['layer-corrupt', 'base64 with half a byte', ['LIBARCHIVE.xattr.user.a', 'dmFsd']],
  ] as const)('refuses with %s %s', (code, _, record) => {
    expect(() => read(record)).toThrow(expect.objectContaining({ code }));
  });

  it('limits the list of names as the kernel does', () => {
    const records = (count: number) =>
      Array.from({ length: count }, (_, i): PaxPair => [`SCHILY.xattr.user.${String(i).padStart(250, '0')}`, '']);
    expect(Object.keys(read(...records(256)))).toHaveLength(256);
    expect(() => read(...records(257))).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
  });
});
