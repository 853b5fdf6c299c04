import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { whiteoutOf } from '../../../../src/core/tree/whiteout.ts';
import { directory, link, makeTree, put, show, symlink } from '../../../helpers/make-tree.ts';

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

describe('a whiteout', () => {
  it('hides the lower name, and what a directory holds', () => {
    const lower = [put('a', 1), put('d/x', 2), put('d/e/y', 3), put('z', 4)];
    expect(show(makeTree([lower, [put('.wh.a'), put('.wh.d')]]))).toEqual(['z 4']);
  });

  it.each([
    ['before', [put('.wh.a'), put('a', 2)]],
    ['behind', [put('a', 2), put('.wh.a')]],
  ])('leaves the name that its own layer adds, when it stands %s it', (_, upper) => {
    expect(show(makeTree([[put('a', 1)], upper]))).toEqual(['a 2']);
  });

  it('of a name that is not there does nothing, and makes no directory', () => {
    expect(show(makeTree([[put('a', 1)], [put('.wh.b'), put('no/such/.wh.c'), put('a/.wh.b')]]))).toEqual(['a 1']);
  });

  it('hides nothing of its own layer, also in the lowest', () => {
    expect(show(makeTree([[put('a', 1), put('.wh.a'), put('d/b', 2), put('.wh.d'), put('d/.wh..wh..opq')]]))).toEqual([
      'a 1',
      'd/ filler',
      'd/b 2',
    ]);
  });

  it.each([
    ['before', [put('.wh.d'), put('d/new', 2)]],
    ['behind', [put('d/new', 2), put('.wh.d')]],
  ])('%s names that its layer puts into the directory leaves them in one without attributes', (_, upper) => {
    const lower = [directory('d/', 0o700), put('d/old', 1), put('d/e/old', 1)];
    expect(show(makeTree([lower, upper]))).toEqual(['d/ filler', 'd/new 2']);
  });

  it.each([
    ['before', [put('.wh.d'), directory('d/', 0o711)]],
    ['behind', [directory('d/', 0o711), put('.wh.d')]],
  ])('%s the directory itself leaves it empty', (_, upper) => {
    expect(show(makeTree([[directory('d/', 0o700), put('d/old', 1)], upper]))).toEqual(['d/ 711']);
  });

  it('goes through symlinked parents, inside the root', () => {
    const lower = [put('usr/lib/a', 1), put('usr/lib/b', 2), symlink('lib', 'usr/lib'), symlink('up', '../../usr')];
    expect(show(makeTree([lower, [put('lib/.wh.a'), put('up/lib/.wh.b')]]))).toEqual([
      'lib -> usr/lib',
      'up -> ../../usr',
      'usr/ filler',
      'usr/lib/ filler',
    ]);
  });

  it('of a symlink hides the symlink alone', () => {
    const lower = [put('usr/lib/a', 1), symlink('lib', 'usr/lib')];
    expect(show(makeTree([lower, [put('.wh.lib')]]))).toEqual(['usr/ filler', 'usr/lib/ filler', 'usr/lib/a 1']);
  });

  it('may stand for a name that begins with a dot', () => {
    const lower = [put('.a', 1), put('...', 2), put('.w', 3)];
    expect(show(makeTree([lower, [put('.wh..a'), put('.wh....')]]))).toEqual(['.w 3']);
  });

  it('keeps an inode that other names have', () => {
    const lower = [put('a', 1), link('b', 'a'), link('c', 'a')];
    expect(show(makeTree([lower, [put('.wh.a')]]))).toEqual(['b 1 x2', 'c 1 x2']);
    expect(show(makeTree([lower, [put('.wh.a'), put('.wh.c')]]))).toEqual(['b 1']);
  });

  it('may be an entry of any type', () => {
    expect(
      show(
        makeTree([
          [put('a', 1), put('b', 1)],
          [directory('.wh.a/'), symlink('.wh.b', 'x')],
        ]),
      ),
    ).toEqual([]);
  });

  it.each(['.wh.', '.wh..', '.wh...', 'd/.wh.'])('%s names nothing', (path) => {
    expect(() => makeTree([[put('x'), put(path)]])).toThrow(
      expect.objectContaining({
        code: 'name-invalid',
        context: { layer: 0, path, offset: 512 },
        message: `layer 0, entry ${path}, header at 0x200: the whiteout names nothing`,
      }),
    );
  });

  it('is no directory', () => {
    expect(() => makeTree([[put('.wh.d/x')]])).toThrow('layer 0, entry .wh.d/x');
    expect(() => makeTree([[put('a/.wh..wh..opq/x')]])).toThrow(expect.objectContaining({ code: 'name-invalid' }));
  });
});

describe('an opaque marker', () => {
  const lower = [directory('d/', 0o700), put('d/a', 1), put('d/e/b', 2), put('keep', 3)];

  it.each([
    ['first', [put('d/.wh..wh..opq'), put('d/c', 4)]],
    ['last', [put('d/c', 4), put('d/.wh..wh..opq')]],
  ])('hides the lower children alone when it stands %s', (_, upper) => {
    expect(show(makeTree([lower, upper]))).toEqual(['d/ 700', 'd/c 4', 'keep 3']);
  });

  it.each([
    ['first', [put('d/.wh..wh..opq'), put('d/e/c', 4)]],
    ['last', [put('d/e/c', 4), put('d/.wh..wh..opq')]],
  ])('takes the lower attributes of a directory that its layer does not describe, when it stands %s', (_, upper) => {
    const described = [...lower, directory('d/e/', 0o711)];
    expect(show(makeTree([described, upper]))).toEqual(['d/ 700', 'd/e/ filler', 'd/e/c 4', 'keep 3']);
  });

  it.each([
    ['first', [put('d/.wh..wh..opq'), directory('d/e/', 0o711)]],
    ['last', [directory('d/e/', 0o711), put('d/.wh..wh..opq')]],
  ])('leaves a directory that its layer describes, without its lower names, when it stands %s', (_, upper) => {
    expect(show(makeTree([lower, upper]))).toEqual(['d/ 700', 'd/e/ 711', 'keep 3']);
  });

  it('may stand in the root', () => {
    expect(show(makeTree([lower, [put('new', 5), put('.wh..wh..opq')]]))).toEqual(['new 5']);
  });

  it('in the directory that a whiteout names changes nothing more', () => {
    const upper = [put('d/.wh..wh..opq'), put('.wh.d'), put('d/.wh..wh..opq'), put('d/c', 4), put('.wh.d')];
    expect(show(makeTree([lower, upper]))).toEqual(['d/ filler', 'd/c 4', 'keep 3']);
  });

  it('hides, in a third layer, what the second had', () => {
    const second = [put('d/.wh..wh..opq'), put('d/c', 4)];
    expect(show(makeTree([lower, second, [put('d/f', 5), put('d/.wh..wh..opq')]]))).toEqual([
      'd/ 700',
      'd/f 5',
      'keep 3',
    ]);
  });
});

describe("aufs' own names", () => {
  it('are left out', () => {
    const layer = [
      put('.wh..wh.aufs'),
      directory('.wh..wh.plnk/'),
      put('.wh..wh.plnk/1.2', 3),
      put('d/.wh..wh.orph/x'),
      put('a', 1),
    ];
    expect(show(makeTree([layer]))).toEqual(['a 1']);
  });
});

describe('a million of them', () => {
  // Linear they take a second; were every one to look at the directory's names again, they would take minutes.
  const lower = Array.from({ length: 5000 }, (_, i) => put(`d/${i}`));
  const kept = Array.from({ length: 5000 }, (_, i) => put(`d/new-${i}`));

  it.each([
    ['whiteouts', '.wh.d'],
    ['opaque markers', 'd/.wh..wh..opq'],
  ])(
    '(%s) stay linear',
    (_, path) => {
      const repeats = Array.from({ length: 500_000 }, () => put(path));
      expect(show(makeTree([lower, [...kept, ...repeats]]))).toHaveLength(5001);
    },
    30_000,
  );
});
