import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { base58 } from '../../../../src/core/ware/base58.ts';
import { FilesetHash } from '../../../../src/core/ware/fileset-hash.ts';
import type { FilesetNode } from '../../../../src/core/ware/walk-fileset.ts';
import { sha384 } from '../../../../src/sources/ware/fileset.ts';
import { scratch } from '../../../helpers/scratch.ts';
import type { PaxPair, TarEntry } from '../../../helpers/tar-writer.ts';
import { VECTORS, wareAt, writeTar } from '../../../helpers/wares.ts';

const hashOf = async (entries: readonly TarEntry[]): Promise<string> => wareAt(writeTar(scratch(), 'a.tar', entries));

const ROOT: FilesetNode = {
  path: '',
  name: '.',
  type: EntryType.directory,
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0x25b070c8,
  mtimeNanoseconds: 0,
  linkPath: '',
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  size: 0,
  inode: 0,
};

describe('the hash of a fileset', () => {
  it.each(Object.entries(VECTORS))('is the one asserted upstream, of %s', async (_, { ware, entries }) => {
    expect((await hashOf(entries)).slice(4)).toBe(ware.slice(4));
  });

  it('is over the CBOR that refmt writes', () => {
    const written: Uint8Array[] = [];
    const hash = new FilesetHash(() => ({
      update: (bytes) => void written.push(bytes.slice()),
      digest: () => sha384().digest(),
    }));
    hash.enterDirectory(ROOT);
    hash.leaveDirectory();
    const expected = 'a2616da7616e612e6174616461701901ed617500616700616d1a25b070c8626d6e00616c9fff';
    expect(Buffer.concat(written).toString('hex')).toBe(expected);
    expect(hash.finish()).toBe(base58(sha384().digest()));
  });

  it('leaves out symlinks, devices and fifos', async () => {
    const files: TarEntry[] = [{ name: './' }, { name: 'a', data: 'x' }];
    const others: TarEntry[] = [
      { name: 'l', type: 'symlink', linkName: 'a' },
      { name: 'p', type: 'fifo' },
      { name: 'c', type: 'character', deviceMajor: 1, deviceMinor: 3 },
    ];
    expect(await hashOf([...files, ...others])).toBe(await hashOf(files));
  });

  it('knows the extended attributes that rio knows, and no others', async () => {
    const hash = async (pax: readonly PaxPair[]): Promise<string> => hashOf([{ name: './' }, { name: 'a', pax }]);
    const plain = await hash([]);
    const same: readonly PaxPair[][] = [
      [['LIBARCHIVE.xattr.user.a', 'dmFsdWU']],
      [['SCHILY.acl.access', 'user::rw-,user:7:rwx,group::r--,mask::rwx,other::r--']],
      [['SCHILY.acl.default', 'user::rwx,group::r-x,other::r-x']],
      [['SCHILY.xattr.user.a', '']],
    ];
    for (const pax of same) expect(await hash(pax)).toBe(plain);
    const one = await hash([['SCHILY.xattr.user.a', 'value']]);
    expect(one).not.toBe(plain);
    // bsdtar writes both.
    const both = await hash([
      ['SCHILY.xattr.user.a', 'value'],
      ['LIBARCHIVE.xattr.user.a', 'dmFsdWU'],
      ['LIBARCHIVE.xattr.user.b', 'dmFsdWU'],
    ]);
    expect(both).toBe(one);
  });

  it.each<readonly [string, TarEntry]>([
    ['name', { name: 'b', data: 'x' }],
    ['content', { name: 'a', data: 'y' }],
    ['mode', { name: 'a', data: 'x', mode: 0o600 }],
    ['owner', { name: 'a', data: 'x', uid: 1 }],
    ['group', { name: 'a', data: 'x', gid: 1 }],
    ['time', { name: 'a', data: 'x', mtime: -1 }],
    ['nanoseconds', { name: 'a', data: 'x', mtime: '0.5' }],
    ['extended attributes', { name: 'a', data: 'x', xattrs: { 'user.a': 'b\0' } }],
  ])('depends on the %s of a file', async (_, entry) => {
    expect(await hashOf([{ name: './' }, entry])).not.toBe(await hashOf([{ name: './' }, { name: 'a', data: 'x' }]));
  });

  it('does not depend on the order of a tar, whiteouts included', async () => {
    const entries: TarEntry[] = [{ name: './' }, { name: 'a.b' }, { name: 'a/' }, { name: 'a/.wh.c' }, { name: 'a-' }];
    const [root, first, directory, below, last] = entries as [TarEntry, TarEntry, TarEntry, TarEntry, TarEntry];
    expect(await hashOf([root, last, directory, first, below])).toBe(await hashOf(entries));
    expect(await hashOf([root, first, directory, last])).not.toBe(await hashOf(entries));
  });

  it('takes a sparse file for its bytes', async () => {
    const sparse = { form: '1.0', size: 600_000, segments: [{ offset: 300_000, length: 3 }] } as const;
    const data = Buffer.alloc(600_000);
    data.write('abc', 300_000);
    expect(await hashOf([{ name: 'a', sparse, data: 'abc' }])).toBe(await hashOf([{ name: 'a', data }]));
  });
});
