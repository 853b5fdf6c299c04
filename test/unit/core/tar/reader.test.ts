import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { ImageError } from '../../../../src/core/errors.ts';
import type { LayerEntry } from '../../../../src/core/layer/entry.ts';
import { LONG_NAME_BYTES_MAX, PAX_BYTES_MAX } from '../../../../src/core/tar/limits.ts';
import { type ByteRange, readTar } from '../../../../src/core/tar/reader.ts';
import { contentOf, entryAt, readTarBytes, readTarEveryWay, tarError } from '../../../helpers/tar-driver.ts';
import { BLOCK, concat, makeTar, makeTarEntry, type TarEntry, type TarFormat } from '../../../helpers/tar-writer.ts';

const paths = (entries: readonly LayerEntry[]): string[] => entries.map(({ path }) => path);
const long = `${'d'.repeat(120)}/${'e'.repeat(120)}/${'f'.repeat(60)}`;

/** A header with a body of any type, as `L`, `K`, `x` and `g` are. */
const member = (type: string, data: string): TarEntry => ({ name: 'member', type, data, format: 'ustar' });

describe('a tar', () => {
  it.each(['v7', 'ustar', 'gnu', 'pax'] as TarFormat[])('of form %s', (format) => {
    const tar = makeTar([
      { name: 'etc/', format, mode: 0o700 },
      { name: 'etc/hostname', data: 'loom\n', format, uid: 5, gid: 6, mtime: 1262304000 },
      { name: 'etc/empty', format },
      { name: 'etc/name', type: 'symlink', linkName: 'hostname', format },
      { name: 'etc/block', data: 'x'.repeat(BLOCK), format },
    ]);
    const entries = readTarEveryWay(tar);
    expect(paths(entries)).toEqual(['etc', 'etc/hostname', 'etc/empty', 'etc/name', 'etc/block']);
    const file = entryAt(entries, 'etc/hostname');
    expect(file).toMatchObject({ uid: 5, gid: 6, mtimeSeconds: 1262304000, size: 5, headerOffset: BLOCK });
    expect(byteString(contentOf(tar, file))).toBe('loom\n');
    expect(byteString(contentOf(tar, entryAt(entries, 'etc/block')))).toBe('x'.repeat(BLOCK));
  });

  it.each(['gnu', 'pax'] as TarFormat[])('of form %s with long names', (format) => {
    const tar = makeTar([
      { name: long, format, data: 'a' },
      { name: 'short', type: 'symlink', linkName: long, format },
      { name: `${long}2`, type: 'hardlink', linkName: long, format },
      { name: 'last', format },
    ]);
    expect(readTarEveryWay(tar).map(({ path, linkPath }) => [path, linkPath])).toEqual([
      [long, ''],
      ['short', long],
      [`${long}2`, long],
      ['last', ''],
    ]);
  });

  it('is asked for headers, never for bodies', () => {
    const wants: ByteRange[] = [];
    const tar = makeTar([
      { name: 'a', data: 'x'.repeat(100_000) },
      { name: long, data: 'y'.repeat(5000), format: 'pax' },
    ]);
    const entries = readTarBytes(tar, 0, (want) => wants.push(want));
    for (const { dataOffset, size } of entries) {
      for (const { offset, length } of wants)
        expect(offset + length <= dataOffset || offset >= dataOffset + size).toBe(true);
    }
    expect(wants.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(5 * BLOCK + 400);
  });
});

describe('extended headers', () => {
  it('apply to the next entry alone', () => {
    const tar = makeTar([
      {
        name: 'a',
        pax: [
          ['uid', '7'],
          ['path', 'b'],
        ],
      },
      { name: 'c' },
      member('L', 'd\0'),
      { name: 'ignored' },
      { name: 'e' },
    ]);
    expect(readTarEveryWay(tar).map(({ path, uid }) => [path, uid])).toEqual([
      ['b', 7],
      ['c', 0],
      ['d', 0],
      ['e', 0],
    ]);
  });

  it('apply together', () => {
    const tar = makeTar([
      member('g', '9 gid=10\n'),
      member('K', 'target\0\0\0'),
      member('x', '8 uid=7\n'),
      member('V', 'label'),
      { name: 'a', type: 'symlink', linkName: 'short' },
      { name: 'b', type: 'symlink', linkName: 'own' },
    ]);
    expect(readTarEveryWay(tar)).toMatchObject([
      { path: 'a', linkPath: 'target', uid: 7, gid: 10 },
      { path: 'b', linkPath: 'own', uid: 0, gid: 10 },
    ]);
  });

  it('are global until another says otherwise', () => {
    const tar = makeTar([
      {
        name: 'g',
        type: 'paxGlobal',
        pax: [
          ['mtime', '5.5'],
          ['uid', '1'],
          ['comment', 'x'],
        ],
      },
      { name: 'a' },
      {
        name: 'b',
        pax: [
          ['uid', '2'],
          ['mtime', ''],
        ],
        mtime: 9,
      },
      { name: 'g', type: 'paxGlobal', pax: [['uid', '']] },
      { name: 'c', uid: 3 },
    ]);
    expect(readTarEveryWay(tar).map(({ uid, mtimeSeconds }) => [uid, mtimeSeconds])).toEqual([
      [1, 5],
      [2, 9],
      [3, 5],
    ]);
  });

  it('say nothing about the size of each other', () => {
    const tar = makeTar([
      member('g', '10 size=1\n'),
      { name: 'a', data: 'x', declaredSize: 0 },
      { name: 'b', data: 'y', declaredSize: 0, pax: [['comment', 'c'.repeat(600)]] },
    ]);
    expect(readTarEveryWay(tar).map(({ path, size }) => [path, size])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('win by their kind: GNU over PAX over the header', () => {
    const entry: TarEntry = { name: 'header', pax: [['path', 'pax']] };
    expect(paths(readTarEveryWay(makeTar([entry])))).toEqual(['pax']);
    expect(paths(readTarEveryWay(makeTar([member('L', 'gnu\0'), entry])))).toEqual(['gnu']);
  });

  it('are replaced by a second one', () => {
    const tar = makeTar([member('x', '8 uid=7\n'), member('x', '8 gid=7\n'), { name: 'a' }]);
    expect(readTarEveryWay(tar)).toMatchObject([{ uid: 0, gid: 7 }]);
  });

  it("may be Solaris'", () => {
    expect(readTarEveryWay(makeTar([member('X', '8 uid=7\n'), { name: 'a' }]))).toMatchObject([{ uid: 7 }]);
  });

  it('may be empty', () => {
    expect(paths(readTarEveryWay(makeTar([member('x', ''), { name: 'a' }])))).toEqual(['a']);
    expect(tarError(makeTar([member('L', ''), { name: 'a' }])).code).toBe('name-invalid');
  });

  it('carry xattrs of 64 KiB, many of them', () => {
    const value = Uint8Array.from({ length: 65536 }, (_, i) => i % 256);
    const xattrs = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`user.${i}`, value]));
    const [entry] = readTarBytes(makeTar([{ name: 'a', xattrs }]));
    expect(entry?.xattrs).toHaveLength(20);
    expect(entry?.xattrs.every((xattr) => Buffer.compare(xattr.value, value) === 0)).toBe(true);
  });

  it.each(['x', 'X', 'g'])('of type %s are refused when they are malformed', (type) => {
    const error = tarError(makeTar([{ name: 'first' }, member(type, '9 uid=7\n'), { name: 'a' }]), 1);
    expect(error).toMatchObject({ code: 'layer-corrupt', context: { layer: 1, path: 'member', offset: BLOCK } });
  });

  it.each([
    ['x', PAX_BYTES_MAX],
    ['g', PAX_BYTES_MAX],
    ['L', LONG_NAME_BYTES_MAX],
    ['K', LONG_NAME_BYTES_MAX],
  ])('of type %s are refused beyond %d bytes, before they are read', (type, max) => {
    const at = (declaredSize: number) => tarError(makeTar([{ ...member(type, ''), declaredSize }])).code;
    expect(at(max + 1)).toBe('limit-exceeded');
    expect(at(max)).toBe('layer-truncated');
  });

  it.each(['x', 'L', 'K'])('of type %s are refused when nothing follows', (type) => {
    const data = type === 'x' ? '8 uid=7\n' : 'name\0';
    expect(tarError(makeTar([member(type, data)]))).toMatchObject({
      code: 'layer-corrupt',
      context: { offset: 2 * BLOCK },
    });
    const error = tarError(makeTar([member(type, data)], { endBlocks: 0 }));
    expect(error).toMatchObject({ code: 'layer-truncated', context: { path: 'member', offset: 0 } });
  });

  it('of type g may stand at the end', () => {
    expect(readTarEveryWay(makeTar([member('g', '8 uid=7\n')]))).toEqual([]);
  });
});

describe('the end of a tar', () => {
  const one = makeTarEntry({ name: 'a', data: 'abc' });

  it('is two zero blocks, and what follows is not looked at', () => {
    const trailing = makeTar([{ name: 'b', damage: (header) => header.fill(0xff) }]);
    expect(paths(readTarEveryWay(makeTar([{ name: 'a' }], { trailing })))).toEqual(['a']);
    expect(paths(readTarEveryWay(makeTar([{ name: 'a' }], { trailing: Uint8Array.of(1) })))).toEqual(['a']);
  });

  it.each([1024, 4086, 32_768, 65_535])('of a tar without entries is not zeros with a byte at %d', (at) => {
    const image = new Uint8Array(100_000);
    expect(readTarEveryWay(image)).toEqual([]);
    image[at] = 1;
    expect(tarError(image)).toMatchObject({ code: 'layer-corrupt', context: { offset: 0 } });
  });

  it.each([0, 1])('may lack zero blocks: %d', (endBlocks) => {
    expect(paths(readTarEveryWay(makeTar([{ name: 'a', data: 'abc' }], { endBlocks })))).toEqual(['a']);
    expect(readTarEveryWay(makeTar([], { endBlocks }))).toEqual([]);
  });

  it('is not a lone zero block', () => {
    const error = tarError(concat([one, new Uint8Array(BLOCK), one]));
    expect(error).toMatchObject({ code: 'layer-corrupt', context: { layer: 0, offset: 1024 } });
  });

  it('is not within a block', () => {
    const tar = makeTar([{ name: 'a', data: 'abc' }]);
    // Behind the entry, and behind the first zero block.
    const ends = [1024, 1536];
    for (const end of ends) expect(readTarEveryWay(tar.subarray(0, end))).toHaveLength(1);
    const cuts = Array.from({ length: tar.length - 1 }, (_, i) => i + 1).filter((length) => !ends.includes(length));
    for (const cut of cuts) expect(tarError(tar.subarray(0, cut)).code).toBe('layer-truncated');
  });

  it('is told with the entry it cuts', () => {
    const error = tarError(makeTar([{ name: 'a' }, { name: 'b', declaredSize: 5000 }]), 4);
    expect(error).toMatchObject({ code: 'layer-truncated', context: { layer: 4, path: 'b', offset: BLOCK } });
  });

  it('is not told with the entry before', () => {
    const error = tarError(concat([one, new Uint8Array(100)]));
    expect(error.context).toEqual({ layer: 0, path: undefined, offset: 1024 });
  });

  it('may come earlier than was said', () => {
    const reader = readTar({ layer: 0, size: 4096 });
    expect(reader.next().value).toEqual({ want: { offset: 0, length: BLOCK } });
    expect(() => reader.next(new Uint8Array(100))).toThrow(ImageError);
  });
});

describe('a bad checksum', () => {
  it('is told with its place', () => {
    const damage = (header: Uint8Array): void => header.set([0x7a]);
    const error = tarError(
      makeTar([
        { name: 'a', data: 'abc' },
        { name: 'b', damage },
      ]),
      3,
    );
    expect(error).toMatchObject({ code: 'layer-corrupt', context: { layer: 3, path: 'z', offset: 1024 } });
    expect(error.message).toMatch(/^layer 3, entry z, header at 0x400: checksum 0x[0-9a-f]+, computed 0x[0-9a-f]+$/);
  });

  it('is what random bytes have', () => {
    expect(tarError(new Uint8Array(BLOCK).fill(0x55)).code).toBe('layer-corrupt');
  });
});
