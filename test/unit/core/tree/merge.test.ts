import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { attributesOf } from '../../../../src/core/tree/metadata.ts';
import { ROOT } from '../../../../src/core/tree/tree.ts';
import { directory, makeTree, put, show, symlink } from '../../../helpers/make-tree.ts';

const policy = { mtime: 'keep', epoch: 1000, chmodMask: 0 } as const;

describe('an entry over another', () => {
  it('replaces the attributes of a directory and keeps its names', () => {
    const lower = [directory('d/', 0o700), put('d/a', 1)];
    expect(show(makeTree([lower, [directory('d/', 0o711)]]))).toEqual(['d/ 711', 'd/a 1']);
  });

  it('replaces a directory with everything below', () => {
    expect(show(makeTree([[put('d/e/a', 1), put('b', 2)], [put('d', 3)]]))).toEqual(['b 2', 'd 3']);
    expect(show(makeTree([[put('d/e/a', 1), put('b', 2)], [symlink('d', 'b')]]))).toEqual(['b 2', 'd -> b']);
  });

  it('that is a directory replaces a symlink to one, and the target stays', () => {
    const lower = [put('usr/lib/a', 1), symlink('lib', 'usr/lib')];
    expect(show(makeTree([lower, [directory('lib/', 0o711), put('lib/b', 2)]]))).toEqual([
      'lib/ 711',
      'lib/b 2',
      'usr/ filler',
      'usr/lib/ filler',
      'usr/lib/a 1',
    ]);
  });

  it('replaces a file as a parent by a directory', () => {
    expect(show(makeTree([[put('a/b', 1)], [put('a/b/c', 2)]]))).toEqual(['a/ filler', 'a/b/ filler', 'a/b/c 2']);
  });

  it('wins over what its own layer had for the name before', () => {
    const layer = [
      put('a', 1),
      put('a', 2),
      put('d/x', 3),
      put('d', 4),
      symlink('l', 'x'),
      directory('l/', 0o700),
      put('a', 5),
    ];
    expect(show(makeTree([layer]))).toEqual(['a 5', 'd 4', 'l/ 700']);
  });

  it('may be of any type', () => {
    const types = [EntryType.characterDevice, EntryType.blockDevice, EntryType.fifo, EntryType.socket];
    const layer = types.map((type) => put(`t${type}`, 0, { type }));
    expect(show(makeTree([[put('t3/x'), put('t5')], layer]))).toEqual([
      't3 type 3',
      't4 type 4',
      't5 type 5',
      't6 type 6',
    ]);
  });
});

describe('the root', () => {
  it('has the attributes of the last entry for it', () => {
    const tree = makeTree([[directory('/', 0o700)], [directory('/', 0o711), put('a')]]);
    expect(attributesOf(tree, ROOT, policy)).toMatchObject({ mode: 0o711, seconds: 0 });
  });

  it('is 0755 0:0 at the epoch without one', () => {
    const expected = { mode: 0o755, uid: 0, gid: 0, seconds: 1000, nanoseconds: 0 };
    expect(attributesOf(makeTree([[put('a')]]), ROOT, policy)).toEqual(expected);
  });

  it('is a directory', () => {
    expect(() => makeTree([[put('')]])).toThrow(
      expect.objectContaining({
        code: 'layer-corrupt',
        message: 'layer 0, entry /, header at 0x0: the root is not a directory',
      }),
    );
  });
});

describe('a missing parent', () => {
  it('is 0755 0:0 at the epoch, and loses that to an entry of its own', () => {
    const tree = makeTree([[put('a/b/c', 1), directory('a/', 0o700)]]);
    expect(show(tree)).toEqual(['a/ 700', 'a/b/ filler', 'a/b/c 1']);
  });
});

describe('a deep tree', () => {
  it('of 100,000 levels is made, described and removed', () => {
    const deep = 'd/'.repeat(100_000);
    const tree = makeTree([[put(`${deep}x`, 1), put('y', 2)]]);
    expect(tree.inodeCount).toBe(100_003);
    expect(show(makeTree([[put(`${deep}x`, 1), put('y', 2)], [put('.wh.d')]]))).toEqual(['y 2']);
  });
});

describe('300,000 entries for one name', () => {
  it('stay linear', () => {
    const layer = Array.from({ length: 100_000 }, (_, i) => put('a', i));
    expect(show(makeTree([layer, layer, layer]))).toEqual(['a 99999']);
  }, 30_000);

  it('among many other names stay linear', () => {
    const others = Array.from({ length: 300_000 }, (_, i) => put(`${i}`));
    const layer = Array.from({ length: 300_000 }, (_, i) => put('a', i));
    expect(makeTree([[...others, ...layer]]).inodeCount).toBe(600_001);
  }, 30_000);

  it('that is a file and a directory in turn stay linear', () => {
    const layer = Array.from({ length: 300_000 }, (_, i) => (i % 2 === 0 ? put('a/b/c', i) : put('a', i)));
    expect(show(makeTree([layer]))).toEqual(['a 299999']);
  }, 30_000);
});
