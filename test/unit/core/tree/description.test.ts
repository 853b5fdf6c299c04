import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { type DescribedInodes, describeTree } from '../../../../src/core/tree/description.ts';
import { attributesOf, xattrsOf } from '../../../../src/core/tree/metadata.ts';
import { orderNames } from '../../../../src/core/tree/order.ts';
import type { Tree } from '../../../../src/core/tree/tree.ts';
import { directory, type EntryCase, link, makeTree, put, symlink } from '../../../helpers/make-tree.ts';

const policy = { mtime: 'keep', epoch: 0, chmodMask: 0 } as const;
const inodesOf = (tree: Tree): DescribedInodes => ({
  attributes: (inode) => attributesOf(tree, inode, policy),
  xattrs: (inode) => xattrsOf(tree, inode),
});

describe('the description of a tree', () => {
  const describeBytes = (tree: Tree): string => {
    const pieces: Uint8Array[] = [];
    describeTree(tree, orderNames(tree), inodesOf(tree), (piece) => pieces.push(piece.slice()));
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
