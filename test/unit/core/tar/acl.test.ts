import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import { aclXattrValue } from '../../../../src/core/tar/acl.ts';
import { TarPlace } from '../../../../src/core/tar/place.ts';

const acl = (text: string): string => Buffer.from(aclXattrValue(text, new TarPlace(0))).toString('hex');

/** What `setfacl -m u:1000:rwx,g:4:r` on a 0640 file gives, as `getfattr -e hex` shows it. */
const NAMED = [
  '02000000',
  '01000600ffffffff',
  '02000700e8030000',
  '04000400ffffffff',
  '0800040004000000',
  '10000700ffffffff',
  '20000000ffffffff',
].join('');

describe('aclXattrValue', () => {
  it.each([
    ['GNU tar, numeric', 'user::rw-\nuser:1000:rwx\ngroup::r--\ngroup:4:r--\nmask::rwx\nother::---\n'],
    [
      'GNU tar, effective rights',
      'user::rw-\nuser:1000:rwx\t#effective:r--\ngroup::r--\ngroup:4:r--\nmask::rwx\nother::---\n',
    ],
    ['star and bsdtar', 'user::rw-,user:joe:rwx:1000,group::r--,group:adm:r--:4,mask::rwx,other::---'],
    ['in another order', 'other::---,group:4:r--,mask::rwx,group::r--,user:1000:rwx,user::rw-'],
    ['short', 'u::rw-,u:1000:rwx,g::r--,g:4:r--,m::rwx,o::---'],
    ['Solaris', 'user::rw-,user:1000:rwx,group::r--,group:4:r--,mask:rwx,other:---'],
  ])('writes the kernel form of %s', (_, text) => {
    expect(acl(text)).toBe(NAMED);
  });

  it('orders ids of one kind', () => {
    const text = 'user::---,user:10:r--,user:4294967294:r--,user:9:r--,group::---,mask::---,other::---';
    const named = ['0200040009000000', '020004000a000000', '02000400feffffff'].join('');
    expect(acl(text).slice(24, 72)).toBe(named);
  });

  it.each([
    ['layer-unsupported', 'user::rw-,user:joe:rwx,group::r--,mask::rwx,other::---'],
    ['limit-exceeded', 'user::rw-,user:4294967295:rwx,group::r--,mask::rwx,other::---'],
    ['limit-exceeded', 'user::rw-,user:-1:rwx,group::r--,mask::rwx,other::---'],
    ['layer-corrupt', 'user::rw-,user:1:rwx,group::r--,other::---'],
    ['layer-corrupt', 'user::rw-,group::r--'],
    ['layer-corrupt', 'user::rw-,user::rw-,group::r--,other::r--'],
    ['layer-corrupt', 'user::rw-,group::r--,mask::r--,mask::r--,other::r--'],
    ['layer-corrupt', 'user::rwxs,group::r--,other::r--'],
    ['layer-corrupt', 'user::wr-,group::r--,other::r--'],
    ['layer-corrupt', 'user:rw-,group::r--,other::r--'],
    ['layer-corrupt', 'mask:5:rw-,user::rw-,group::r--,other::r--'],
    ['layer-corrupt', 'constructor::rw-,user::rw-,group::r--,other::r--'],
    ['layer-corrupt', 'everyone@:rwx::allow'],
    ['layer-corrupt', ','],
  ])('refuses with %s: %s', (code, text) => {
    expect(() => acl(text)).toThrow(ImageError);
    expect(() => acl(text)).toThrow(expect.objectContaining({ code }));
  });

  it('tells how to make a tar that has numbers', () => {
    expect(() => acl('user:joe:rwx')).toThrow(/tar --xattrs/);
  });
});
