import { describe, expect, it } from 'vitest';
import { directory, link, makeTree, put, show, symlink } from '../../../helpers/make-tree.ts';

describe('a symlink among the parents', () => {
  const lower = [put('usr/lib/a', 1), symlink('lib', 'usr/lib')];

  it('is followed', () => {
    expect(show(makeTree([lower, [put('lib/b', 2)]]))).toEqual([
      'lib -> usr/lib',
      'usr/ filler',
      'usr/lib/ filler',
      'usr/lib/a 1',
      'usr/lib/b 2',
    ]);
  });

  it('is replaced by a directory when that is asked', () => {
    expect(show(makeTree([lower, [put('lib/b', 2)]], 'replace'))).toEqual([
      'lib/ filler',
      'lib/b 2',
      'usr/ filler',
      'usr/lib/ filler',
      'usr/lib/a 1',
    ]);
  });

  it('is an error when that is asked', () => {
    expect(() => makeTree([lower, [put('x'), put('lib/b', 2)]], 'error')).toThrow(
      expect.objectContaining({
        code: 'layer-unsupported',
        message:
          'layer 1, entry lib/b, header at 0x200: its parent lib is a symlink, and symlinked parents are refused',
      }),
    );
  });

  it.each(['replace', 'error'] as const)('that is a symlink is no matter for the last name with %s', (policy) => {
    expect(show(makeTree([lower, [symlink('lib', 'other')]], policy))).toContain('lib -> other');
  });

  it.each([
    ['an absolute target', '/etc'],
    ['.. that would leave the root', '../../../../etc'],
    ['.. behind an absolute target', '/../../etc/.'],
  ])('with %s stays inside the root', (_, target) => {
    expect(show(makeTree([[put('etc/a', 1), symlink('d/l', target)], [put('d/l/b', 2)]]))).toEqual([
      'd/ filler',
      `d/l -> ${target}`,
      'etc/ filler',
      'etc/a 1',
      'etc/b 2',
    ]);
  });

  it('takes .. from where it leads, as the kernel does', () => {
    const layer = [directory('x/y/'), symlink('l', 'x/y'), symlink('m', 'l/..'), put('m/a', 1)];
    expect(show(makeTree([layer]))).toEqual(
      ['l -> x/y', 'm -> l/..', 'x/ 755', 'x/a 1', 'x/y/ 755'].map((line) => (line === 'x/ 755' ? 'x/ filler' : line)),
    );
  });

  it('that leads nowhere makes the directory that it names', () => {
    expect(show(makeTree([[symlink('l', 'a/../b//./c')], [put('l/x', 1)]]))).toContain('b/c/x 1');
  });

  it('that is replaced leads nowhere any more', () => {
    const layer = [put('l/a', 1), directory('l/'), put('l/b', 2), put('l', 3), put('l/c', 4)];
    expect(show(makeTree([[directory('d/'), symlink('l', 'd')], layer]))).toEqual([
      'd/ 755',
      'd/a 1',
      'l/ filler',
      'l/c 4',
    ]);
  });

  it('in the midst of others of one layer is seen by the next entry', () => {
    const layer = [put('d/a', 1), put('e/x', 1), put('d', 2), symlink('d', 'e'), put('d/b', 3)];
    expect(show(makeTree([layer]))).toEqual(['d -> e', 'e/ filler', 'e/b 3', 'e/x 1']);
  });

  it.each([
    ['itself', [symlink('a', 'a'), put('a/x')]],
    ['each other', [symlink('a', 'b'), symlink('b', 'a'), put('a/x')]],
    ['more names at each step', [symlink('a', 'a/a'), put('a/x')]],
    ['what a hard link names', [symlink('a', 'a'), link('b', 'a/x')]],
    ['what a whiteout names', [symlink('a', 'a'), put('a/.wh.x')]],
  ])('that leads to %s is one error', (_, layer) => {
    expect(() => makeTree([layer])).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', what: 'more than 40 symlinks among its parents' }),
    );
  });

  it('may be the fortieth but not one more', () => {
    const chain = (count: number) =>
      Array.from({ length: count }, (_, i) => symlink(`l${i}`, i === 0 ? 'd' : `l${i - 1}`));
    expect(show(makeTree([[...chain(40), put('l39/x', 1)]]))).toContain('d/x 1');
    expect(() => makeTree([[...chain(41), put('l40/x', 1)]])).toThrow('more than 40 symlinks');
  });

  it('are refused when their texts name more than any path needs', () => {
    const text = (names: number): string => 'd/../'.repeat(names / 2).slice(0, -1);
    expect(() => makeTree([[put('d/'), symlink('l', text(1022)), put('l/x')]])).not.toThrow();
    expect(() => makeTree([[put('d/'), symlink('l', text(1030)), put('l/x')]])).toThrow(
      'more than 1024 names behind a symlink among its parents',
    );
  });

  it('may not name what no directory can hold', () => {
    expect(() => makeTree([[symlink('l', 'n'.repeat(256)), put('l/x')]])).toThrow(
      expect.objectContaining({ code: 'name-invalid', context: { layer: 0, path: 'l/x', offset: 512 } }),
    );
  });
});
