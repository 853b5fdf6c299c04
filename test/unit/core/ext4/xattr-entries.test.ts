import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { aclToDisk } from '../../../../src/core/ext4/acl.ts';
import { entryLength, toDiskXattrs } from '../../../../src/core/ext4/xattr-entries.ts';

const xattr = (name: string, value = '') => ({ name, value: bytesOf(value) });

describe('xattrs on disk', () => {
  it('stand by index, then length, then name', () => {
    const skipped: string[] = [];
    const names = ['user.b', 'user.a', 'user.\xff', 'user.aa', 'trusted.z', 'security.selinux', 'user.ab', 'user.c'];
    const found = toDiskXattrs(
      names.map((name) => xattr(name)),
      () => ({}),
      (name) => skipped.push(name),
    );
    expect(found.map(({ index, name }) => `${index} ${name}`)).toEqual([
      '1 a',
      '1 b',
      '1 c',
      '1 \xff',
      '1 aa',
      '1 ab',
      '4 z',
      '6 selinux',
    ]);
    expect(skipped).toEqual([]);
  });

  it('are left out when Linux serves no such name', () => {
    const skipped: string[] = [];
    const names = ['system.nfs4_acl', 'user', 'user.', 'com.apple', 'system.posix_acl_access2', 'User.a', ''];
    expect(
      toDiskXattrs(
        names.map((name) => xattr(name)),
        () => ({}),
        (name) => skipped.push(name),
      ),
    ).toEqual([]);
    expect(skipped).toEqual(names);
  });

  it('take whole words', () => {
    const entry = { index: 1, name: 'abc', value: new Uint8Array(5) };
    expect(entryLength(entry, false)).toBe(16 + 4 + 8);
    expect(entryLength(entry, true)).toBe(16 + 4);
    expect(entryLength({ index: 2, name: '', value: new Uint8Array(4) }, false)).toBe(16 + 0 + 4);
  });
});

describe('an ACL on disk', () => {
  const wire = (...entries: (readonly [tag: number, permissions: number, id: number])[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(4 + 8 * entries.length));
    view.setUint32(0, 2, true);
    entries.forEach(([tag, permissions, id], i) => {
      view.setUint16(4 + 8 * i, tag, true);
      view.setUint16(6 + 8 * i, permissions, true);
      view.setUint32(8 + 8 * i, id, true);
    });
    return new Uint8Array(view.buffer);
  };

  it('has ids for named users and groups alone', () => {
    const value = wire(
      [1, 6, 0xffffffff],
      [2, 5, 1000],
      [4, 4, 0xffffffff],
      [8, 7, 0xfffffffe],
      [16, 7, 0xffffffff],
      [32, 0, 0xffffffff],
    );
    expect(Buffer.from(aclToDisk(value, {})).toString('hex')).toBe(
      '01000000' + '01000600' + '02000500e8030000' + '04000400' + '08000700feffffff' + '10000700' + '20000000',
    );
  });

  it('without entries is none', () => {
    expect(aclToDisk(wire(), {})).toHaveLength(0);
  });

  it.each([
    ['of no bytes', new Uint8Array(0), 'an ACL of 0 bytes that is not of version 2'],
    ['of another version', Uint8Array.of(1, 0, 0, 0), 'an ACL of 4 bytes that is not of version 2'],
    ['that is cut', wire([1, 6, 0]).subarray(0, 11), 'an ACL of 11 bytes that is not of version 2'],
    ['with an unknown tag', wire([3, 6, 0]), 'an ACL entry with the tag 0x3'],
  ])('%s is refused', (_, value, message) => {
    expect(() => aclToDisk(value, { path: 'a' })).toThrow(
      expect.objectContaining({ code: 'layer-corrupt', message: `entry a: ${message}` }),
    );
  });

  it('may begin anywhere in its buffer', () => {
    const padded = new Uint8Array(32);
    padded.set(wire([1, 6, 0]), 3);
    expect(aclToDisk(padded.subarray(3, 15), {})).toEqual(Uint8Array.of(1, 0, 0, 0, 1, 0, 6, 0));
  });
});
