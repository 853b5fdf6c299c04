import fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { sparseMap, TAR_END, type TarMember, tarHeader } from '../../../../src/core/tar/write-header.ts';
import { readTarBytes } from '../../../helpers/tar-driver.ts';
import { concat } from '../../../helpers/tar-writer.ts';

const plain: TarMember = {
  type: EntryType.file,
  name: 'a',
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  storedSize: 0,
};

const bytes = fc.uint8Array({ minLength: 1, maxLength: 120 });
const component = bytes
  .map((array) => byteString(array).replaceAll(/[/\0]/g, '_'))
  .filter((name) => !/^\.\.?$/.test(name));
const path = fc.array(component, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const member: fc.Arbitrary<TarMember> = fc.record({
  type: fc.constantFrom(EntryType.file, EntryType.symlink, EntryType.hardLink, EntryType.blockDevice, EntryType.fifo),
  name: path,
  linkName: path,
  mode: fc.nat(0o7777),
  uid: fc.oneof(fc.nat(2 ** 21 + 5), fc.integer({ min: 2 ** 21, max: 2 ** 31 })),
  gid: fc.oneof(fc.nat(2 ** 21 + 5), fc.constant(2 ** 32 - 2)),
  mtimeSeconds: fc.oneof(fc.nat(2 ** 31 - 1), fc.integer(), fc.constantFrom(8 ** 11 - 1, 8 ** 11, -1)),
  mtimeNanoseconds: fc.oneof(fc.constant(0), fc.nat(999_999_999), fc.constantFrom(1, 500_000_000)),
  deviceMajor: fc.nat(4095),
  deviceMinor: fc.nat(2 ** 20 - 1),
  xattrs: fc.uniqueArray(
    fc.record({
      name: component.map((name) => `user.${name}`),
      value: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  ),
  storedSize: fc.constant(0),
});

describe('the header of a member', () => {
  it('says what it was made of, bytes that are no text included', () => {
    fc.assert(
      fc.property(member, (made) => {
        const [entry] = readTarBytes(concat([tarHeader(made), TAR_END]));
        const isLink = made.type === EntryType.symlink || made.type === EntryType.hardLink;
        const isDevice = made.type === EntryType.blockDevice;
        expect(entry).toMatchObject({
          type: made.type,
          path: made.name,
          linkPath: isLink ? made.linkName : '',
          mode: made.mode,
          uid: made.uid,
          gid: made.gid,
          mtimeSeconds: made.mtimeSeconds,
          mtimeNanoseconds: made.mtimeNanoseconds,
          deviceMajor: isDevice ? made.deviceMajor : 0,
          deviceMinor: isDevice ? made.deviceMinor : 0,
        });
        expect(new Set(entry!.xattrs)).toEqual(new Set(made.xattrs));
      }),
      { numRuns: 300 },
    );
  });

  it('is one block where ustar can hold it', () => {
    const long = `${'d'.repeat(150)}/${'n'.repeat(100)}`;
    for (const fits of [plain, { ...plain, name: long }, { ...plain, uid: 0o7777777, mtimeSeconds: 8 ** 11 - 1 }])
      expect(tarHeader(fits)).toHaveLength(512);
    const others = [
      { name: `${long}n` },
      { name: 'ä' },
      { uid: 0o10000000 },
      { mtimeNanoseconds: 1 },
      { storedSize: 8 ** 11 },
    ];
    for (const other of others) expect(tarHeader({ ...plain, ...other }).length).toBeGreaterThan(512);
  });

  it('tells of names that are no text', () => {
    const says = (more: Partial<TarMember>): boolean =>
      byteString(tarHeader({ ...plain, ...more })).includes('21 hdrcharset=BINARY\n');
    expect([{ name: '\xff' }, { linkName: '\xff' }].map(says)).toEqual([true, true]);
    expect([{ name: 'a' }, { name: '\xc3\x9f' }].map(says)).toEqual([false, false]);
  });

  it('is read the same by another reader', async () => {
    const xattrs = [{ name: 'user.mime', value: new TextEncoder().encode('text/plain') }];
    const utf8 = byteString(new TextEncoder().encode('straße/'.repeat(30) + 'ende'));
    const tar = concat([tarHeader({ ...plain, name: utf8, uid: 70_000, mtimeSeconds: 5, xattrs }), TAR_END]);
    const headers: object[] = [];
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      headers.push(header);
      stream.resume();
      next();
    });
    await new Promise<void>((resolve, reject) => {
      reader.on('finish', resolve).on('error', reject);
      reader.end(tar);
    });
    expect(headers).toMatchObject([
      {
        name: 'straße/'.repeat(30) + 'ende',
        uid: 70_000,
        type: 'file',
        pax: { 'SCHILY.xattr.user.mime': 'text/plain' },
      },
    ]);
  });
});

describe('the map of a sparse file', () => {
  const text = (map: Uint8Array): string => byteString(map).replace(/\0+$/, '');

  it('has an empty segment where the file ends in a hole', () => {
    expect(text(sparseMap([{ offset: 4096, length: 10 }], 4106))).toBe('1\n4096\n10\n');
    expect(text(sparseMap([{ offset: 0, length: 10 }], 20))).toBe('2\n0\n10\n20\n0\n');
    expect(text(sparseMap([], 20))).toBe('1\n20\n0\n');
  });

  it('is padded to a block', () => {
    const segments = Array.from({ length: 100 }, (_, i) => ({ offset: 8192 * i, length: 4096 }));
    expect(sparseMap(segments, 1e6).length % 512).toBe(0);
  });
});
