import { describe, expect, it } from 'vitest';
import { byteString, bytesOf } from '../../../../src/core/bytes.ts';
import { describeTree } from '../../../../src/core/tree/description.ts';
import { nameHash } from '../../../../src/core/tree/name-hash.ts';
import { orderNames } from '../../../../src/core/tree/order.ts';
import { findInode } from '../../../../src/core/tree/resolve.ts';
import { NONE, type Tree } from '../../../../src/core/tree/tree.ts';
import { whiteoutOf } from '../../../../src/core/tree/whiteout.ts';
import { directory, type EntryCase, link, makeTree, put, symlink } from '../../../helpers/make-tree.ts';

const policy = { mtime: 'keep', epoch: 0, chmodMask: 0 } as const;

describe('the order of names', () => {
  it('is that of their bytes', () => {
    const names = [
      'a',
      'ab',
      'abcdef',
      'abcdefg',
      'abcdefgh',
      'abcdeg',
      '\xff',
      '\x01',
      'B',
      'abcdef\x01',
      '~',
      'abcdef\xff',
    ];
    const tree = makeTree([names.map((name) => put(name))]);
    const ordered = Array.from(orderNames(tree).dentries, (dentry) => byteString(tree.nameBytes(dentry)));
    expect(ordered).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('leaves out what is gone', () => {
    const tree = makeTree([
      [put('d/a'), put('d/b')],
      [put('d/.wh.a'), put('c')],
    ]);
    expect(orderNames(tree).dentries).toHaveLength(3);
  });
});

describe('the kinds of whiteouts', () => {
  it.each([
    ['.wh.x', 'name'],
    ['.wh..x', 'name'],
    ['.wh....', 'name'],
    ['.wh..wh', 'name'],
    ['.wh..wh.', 'ignored'],
    ['.wh..wh..opq', 'opaque'],
    ['.wh..wh..opq2', 'ignored'],
    ['.wh..wh.plnk', 'ignored'],
    ['.wh.', 'invalid'],
    ['.wh..', 'invalid'],
    ['.wh...', 'invalid'],
    ['.wh', 'none'],
    ['.WH.x', 'none'],
    ['x.wh.y', 'none'],
  ])('%s is %s', (name, kind) => {
    expect(whiteoutOf(bytesOf(name))).toBe(kind);
  });
});

describe('the hash of names', () => {
  const hash = (key: readonly [number, number], parent: number, name: string): number =>
    nameHash(key, parent, bytesOf(name), 0, name.length);

  it('depends on the key, the directory and every byte', () => {
    const hashes = [
      hash([1, 2], 0, 'name'),
      hash([1, 3], 0, 'name'),
      hash([2, 2], 0, 'name'),
      hash([1, 2], 1, 'name'),
      hash([1, 2], 0, 'name\0'),
      hash([1, 2], 0, 'namf'),
      hash([1, 2], 0, ''),
      hash([1, 2], 0, '\0'),
      hash([1, 2], 0, '\0\0\0\0'),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every((each) => Number.isInteger(each) && each >= 0 && each < 2 ** 32)).toBe(true);
  });

  it('is that of the bytes wherever they stand', () => {
    const bytes = bytesOf('xxname and more');
    expect(nameHash([5, 6], 7, bytes, 2, 4)).toBe(hash([5, 6], 7, 'name'));
  });

  it('spreads names that differ little', () => {
    const low = Array.from({ length: 4096 }, (_, i) => hash([3, 4], 0, `file-${i}`) & 0xfff);
    expect(new Set(low).size).toBeGreaterThan(2400);
  });
});

describe('a lookup', () => {
  it('finds names of every length among many, and no other', () => {
    const tree = makeTree([Array.from({ length: 255 }, (_, i) => put('n'.repeat(i + 1)))]);
    for (let length = 1; length <= 255; length++) expect(tree.lookup(0, bytesOf('n'.repeat(length)))).not.toBe(NONE);
    for (const name of ['', 'm', 'n'.repeat(256), 'n\0']) expect(tree.lookup(0, bytesOf(name))).toBe(NONE);
  });

  it('by path follows no symlink', () => {
    const tree = makeTree([[put('d/a', 1), symlink('l', 'd')]]);
    expect(findInode(tree, bytesOf('d/a'))).not.toBe(NONE);
    for (const path of ['l/a', 'd/a/b', 'x/y']) expect(findInode(tree, bytesOf(path))).toBe(NONE);
    expect(findInode(tree, bytesOf(''))).toBe(0);
  });
});

describe('the description of a tree', () => {
  const describeBytes = (tree: Tree): string => {
    const pieces: Uint8Array[] = [];
    describeTree(tree, orderNames(tree), policy, (piece) => pieces.push(piece.slice()));
    return Buffer.concat(pieces).toString('latin1');
  };
  const base: EntryCase[] = [
    directory('d/', 0o700),
    put('d/a', 5, { mtimeSeconds: -1 }),
    link('d/b', 'd/a'),
    symlink('l', 'd'),
  ];

  it('is the same however the tree came to be', () => {
    const plain = describeBytes(makeTree([base]));
    expect(describeBytes(makeTree([base.slice(0, 2), base.slice(2)]))).toBe(plain);
    expect(describeBytes(makeTree([[put('x'), put('l', 3), ...base], [put('.wh.x')]]))).toBe(plain);
    expect(describeBytes(makeTree([base, base]))).toBe(plain);
  });

  it('differs for every difference', () => {
    const xattr = (name: string, value: string) => ({ xattrs: [{ name, value: bytesOf(value) }] });
    const [d, a, b, l] = base as [EntryCase, EntryCase, EntryCase, EntryCase];
    const others = [
      base,
      [d, a, b],
      [d, a, put('d/b', 5), l],
      [d, a, b, symlink('l', 'e')],
      [d, a, b, symlink('m', 'd')],
      [directory('d/', 0o701), a, b, l],
      ...[{ uid: 1 }, { gid: 1 }, { mode: 0o600 }, { size: 6 }, { mtimeSeconds: 1 }, { mtimeNanoseconds: 1 }].map(
        (change) => [d, { ...a, ...change }, b, l],
      ),
      [d, { ...a, ...xattr('user.a', 'bc') }, b, l],
      [d, { ...a, ...xattr('user.ab', 'c') }, b, l],
      [d, { ...a, ...xattr('user.a', 'b') }, b, l],
      [d, put('d/a', 5, { type: 5 }), b, l],
      [d, put('d/a', 5, { type: 3, deviceMajor: 1 }), b, l],
      [d, put('d/a', 5, { type: 3, deviceMinor: 1 }), b, l],
    ];
    expect(new Set(others.map((layer) => describeBytes(makeTree([layer])))).size).toBe(others.length);
  });

  it('does not depend on the size of its pieces', () => {
    const long = Array.from({ length: 2000 }, (_, i) => put(`${i}`.padEnd(200, 'x'), i));
    const tree = makeTree([
      [...long, put('big', 0, { xattrs: [{ name: 'user.a', value: new Uint8Array(70_000).fill(65) }] })],
    ]);
    const text = describeBytes(tree);
    expect(text.length).toBeGreaterThan(2000 * 200 + 70_000);
    expect(text.match(/A{70000}/)).not.toBeNull();
  });
});
