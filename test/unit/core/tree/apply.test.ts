import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { attributesOf } from '../../../../src/core/tree/metadata.ts';
import { ROOT } from '../../../../src/core/tree/tree.ts';
import { directory, link, makeTree, put, show, symlink } from '../../../helpers/make-tree.ts';

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

describe('a hard link', () => {
  it('is another name of its target', () => {
    expect(show(makeTree([[put('a', 1), link('d/b', 'a'), link('c', 'd/b')]]))).toEqual([
      'a 1 x3',
      'c 1 x3',
      'd/ filler',
      'd/b 1 x3',
    ]);
  });

  it('may name what a lower layer has', () => {
    expect(show(makeTree([[put('a', 1)], [link('b', 'a')]]))).toEqual(['a 1 x2', 'b 1 x2']);
  });

  it('may name a symlink, which it does not follow, or a device', () => {
    const layer = [
      symlink('s', 'a'),
      put('a', 1),
      link('t', 's'),
      put('null', 0, { type: EntryType.characterDevice }),
      link('n', 'null'),
    ];
    expect(show(makeTree([layer]))).toEqual(['a 1', 'n type 3 x2', 'null type 3 x2', 's -> a x2', 't -> a x2']);
  });

  it('goes through symlinked parents of its target, inside the root', () => {
    const layer = [put('usr/lib/a', 1), symlink('lib', '../../usr/lib'), link('b', 'lib/a')];
    expect(show(makeTree([layer]))).toContain('b 1 x2');
  });

  it('keeps the inode whose first name is replaced or hidden', () => {
    expect(show(makeTree([[put('a', 1), link('b', 'a')], [put('a', 2)]]))).toEqual(['a 2', 'b 1']);
    expect(show(makeTree([[put('a', 1)], [link('b', 'a'), put('.wh.a')]]))).toEqual(['b 1']);
    expect(show(makeTree([[put('a', 1), link('b', 'a'), put('a', 2)]]))).toEqual(['a 2', 'b 1']);
  });

  it('to the inode that has the name already changes nothing', () => {
    expect(
      show(
        makeTree([
          [put('a', 1), link('b', 'a')],
          [link('b', 'a'), link('a', 'a'), put('.wh.b')],
        ]),
      ),
    ).toEqual(['a 1 x2', 'b 1 x2']);
  });

  it('replaces what has its name, also the directory that holds its target', () => {
    expect(show(makeTree([[put('a', 1), put('b', 2)], [link('b', 'a')]]))).toEqual(['a 1 x2', 'b 1 x2']);
    expect(show(makeTree([[put('d/a', 1), put('d/b', 2)], [link('d', 'd/a')]]))).toEqual(['d 1']);
  });

  it('to a directory is an error', () => {
    const error = {
      code: 'layer-unsupported',
      message: 'layer 0, entry b, header at 0x200: a hard link to a directory',
    };
    expect(() => makeTree([[directory('a/'), link('b', 'a')]])).toThrow(expect.objectContaining(error));
    expect(() => makeTree([[put('x'), link('b', 'a'), directory('a/')]])).toThrow(expect.objectContaining(error));
    expect(() => makeTree([[put('x'), link('b', '')]])).toThrow(expect.objectContaining(error));
  });
});

describe('a hard link before its target', () => {
  it('is resolved when its layer ends, and waits for its own layer alone', () => {
    expect(show(makeTree([[link('b', 'd/a'), put('d/a', 1)]]))).toEqual(['b 1 x2', 'd/ filler', 'd/a 1 x2']);
    expect(() => makeTree([[link('b', 'a')], [put('a', 1)]])).toThrow('layer 0, entry b');
  });

  it('may name another that waits, in any order', () => {
    const forward = [link('c', 'b'), link('b', 'a'), put('a', 1)];
    const other = [link('b', 'a'), link('c', 'b'), put('a', 1)];
    for (const layer of [forward, other]) {
      expect(show(makeTree([layer]))).toEqual(['a 1 x3', 'b 1 x3', 'c 1 x3']);
    }
  });

  it('may name another that waits through a symlinked parent', () => {
    const layer = [symlink('lib', 'usr'), link('c', 'lib/b'), link('usr/b', 'a'), put('a', 1)];
    expect(show(makeTree([layer]))).toContain('c 1 x3');
  });

  it('replaces the lower file of its name at once, for links to it too', () => {
    const layer = [link('b', 'a'), link('c', 'b'), put('a', 1)];
    expect(show(makeTree([[put('b', 9)], layer]))).toEqual(['a 1 x3', 'b 1 x3', 'c 1 x3']);
  });

  it('loses its name to a later entry', () => {
    expect(show(makeTree([[link('b', 'a'), put('b', 2), put('a', 1)]]))).toEqual(['a 1', 'b 2']);
    expect(show(makeTree([[link('b', 'a'), symlink('b', 'x'), put('a', 1)]]))).toEqual(['a 1', 'b -> x']);
  });

  it.each([
    ['a new directory', []],
    ['a lower directory', [put('b/old', 3)]],
  ])('loses its name to later names below it, in %s', (_, lower) => {
    expect(show(makeTree([lower, [link('b', 'a'), put('b/x', 2), put('a', 1)]]))).toEqual([
      'a 1',
      'b/ filler',
      'b/x 2',
    ]);
  });

  it('wins over an earlier entry', () => {
    expect(show(makeTree([[put('b/x', 2), link('b', 'a'), put('a', 1)]]))).toEqual(['a 1 x2', 'b 1 x2']);
  });

  it('is a name of its own layer for whiteouts', () => {
    expect(show(makeTree([[put('b', 9)], [link('b', 'a'), put('.wh.b'), put('a', 1)]]))).toEqual(['a 1 x2', 'b 1 x2']);
  });

  it('may be one of many that wait for one', () => {
    const links = Array.from({ length: 200_000 }, (_, i) => link(`l${i}`, 'b'));
    const tree = makeTree([[...links, link('b', 'a'), put('a', 1)]]);
    expect(tree.inodeDentries.values[tree.dentryInode.values[tree.dentryCount - 1]!]).toBe(200_002);
  }, 30_000);

  it('may be one of a long chain', () => {
    const count = 100_000;
    const links = Array.from({ length: count }, (_, i) => link(`l${i}`, `l${i + 1}`));
    const tree = makeTree([[...links, put(`l${count}`, 1)]]);
    expect(tree.inodeDentries.values[tree.dentryInode.values[tree.dentryCount - 1]!]).toBe(count + 1);
  }, 30_000);

  it.each([
    ['nothing', [put('x'), link('b', 'd/none')], 'd/none'],
    ['itself', [put('x'), link('b', 'b')], 'b'],
    ['another that leads back', [put('x'), link('b', 'c'), link('c', 'b')], 'c'],
    ['a name below a file', [put('x'), link('b', 'x/y')], 'x/y'],
    ['what a whiteout hid', [put('.wh.x'), link('b', 'x')], 'x'],
  ])('that leads to %s is an error', (_, layer, target) => {
    expect(() => makeTree([[put('x', 7)], layer])).toThrow(
      expect.objectContaining({
        code: 'link-target-missing',
        message: `layer 1, entry b, header at 0x200: a hard link to ${target}, which does not exist`,
      }),
    );
  });
});
