import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { type Assembly, assemble } from '../../../../src/core/formula/assemble.ts';
import { withDefaults } from '../../../../src/core/formula/cradle.ts';
import { parseFormula } from '../../../../src/core/formula/parse-formula.ts';
import type { LayerIndex } from '../../../../src/core/layer/layer-index.ts';
import { LOSSLESS } from '../../../../src/core/ware/filters.ts';
import { walkFileset } from '../../../../src/core/ware/walk-fileset.ts';
import { ROOT } from '../../../../src/core/tree/tree.ts';
import { makeTar, type TarEntry } from '../../../helpers/tar-writer.ts';
import { readTarIndex } from '../../../helpers/wares.ts';

/** Puts wares together; `action` is that of the formula, `directories` what is in directories of this host. */
function assembled(
  inputs: Readonly<Record<string, readonly TarEntry[] | string>>,
  action: object,
  directories: Readonly<Record<string, readonly TarEntry[]>> = {},
): Assembly {
  const names = Object.entries(inputs).map(([path, input]) => [path, typeof input === 'string' ? input : 'tar:x']);
  const text = JSON.stringify({ formula: { inputs: Object.fromEntries(names), action } });
  const { formula } = parseFormula(Buffer.from(text), 'x', () => undefined);
  const indexOf = (path: string): LayerIndex =>
    readTarIndex(makeTar(directories[path] ?? (inputs[path] as readonly TarEntry[])));
  return assemble(withDefaults(formula), indexOf, [1, 2]);
}

/** Each name with its mode and owner, or a file's size. */
function listing({ tree }: Assembly): string[] {
  const lines: string[] = [];
  for (const { leaves, node } of walkFileset(tree, ROOT, LOSSLESS)) {
    const { path, mode, uid, gid, mtimeSeconds } = node;
    if (!leaves) lines.push(`/${path} ${mode.toString(8)} ${uid}:${gid} @${mtimeSeconds}`);
  }
  return lines;
}

const NOOP = { noop: true, cradle: 'disable' };
const EPOCH = 1_262_304_000;

describe('inputs', () => {
  it('stand where they are mounted, in directories of the user', () => {
    const tree = assembled(
      {
        '/a/deep/mount': [
          { name: './', uid: 7, mtime: 5 },
          { name: 'ab', uid: 7, mtime: 6 },
        ],
      },
      NOOP,
    );
    expect(listing(tree)).toEqual([
      `/ 755 1000:1000 @${EPOCH}`,
      `/a 755 1000:1000 @${EPOCH}`,
      `/a/deep 755 1000:1000 @${EPOCH}`,
      '/a/deep/mount 755 7:0 @5',
      '/a/deep/mount/ab 644 7:0 @6',
    ]);
  });

  it('hide what lies below them, whatever their order in the formula is', () => {
    const tree = assembled(
      {
        '/x/y': [{ name: 'new', mode: 0o600 }],
        '/': [
          { name: './', mtime: 3 },
          { name: 'x/', mtime: 3 },
          { name: 'x/y/', mode: 0o700 },
          { name: 'x/y/old' },
          { name: 'x/z' },
        ],
      },
      { ...NOOP, userinfo: { uid: 5, gid: 6 } },
    );
    expect(listing(tree)).toEqual([
      '/ 755 0:0 @3',
      '/x 755 0:0 @3',
      `/x/y 755 0:0 @${EPOCH}`,
      '/x/y/new 600 0:0 @0',
      '/x/z 644 0:0 @0',
    ]);
  });

  it.each<readonly [string, Record<string, readonly TarEntry[] | string>]>([
    ['/s/x leads through /s, which is a symlink', { '/': [{ name: 's', type: 'symlink', linkName: '/' }], '/s/x': [] }],
    ['/s leads through /s, which is a symlink', { '/': [{ name: 's', type: 'symlink', linkName: '/' }], '/s': [] }],
    ['/f/x leads through /f, which is no directory', { '/': [{ name: 'f' }], '/f/x': [] }],
    ['/h is to be mount:rw:/home: nothing that is written reaches this host', { '/': [], '/h': 'mount:rw:/home' }],
    ['/h is to be mount:ro:home: expected an absolute path', { '/': [], '/h': 'mount:ro:home' }],
    ['/h is to be mount:x: expected mount:ro:PATH', { '/': [], '/h': 'mount:x' }],
    ['/h/x lies below /h, which is a directory of this host', { '/h': 'mount:ro:/home', '/h/x': [] }],
    ['/x comes twice', { '/x': [], '/x/': [] }],
    ['/../x is no path', { '/../x': [] }],
    ['/ has a/.wh.b, whose name means a whiteout', { '/': [{ name: 'a/.wh.b' }] }],
  ])('refused: %s', (message, inputs) => {
    expect(() => assembled(inputs, NOOP)).toThrow(`the path ${message}`);
  });

  it('can be those of another mount whose name begins alike', () => {
    const tree = assembled({ '/h': 'mount:ro:/home', '/hx': [] }, NOOP, { '/h': [{ name: 'a' }] });
    expect(listing(tree).slice(1)).toEqual([`/h 755 0:0 @${EPOCH}`, '/h/a 644 0:0 @0', `/hx 755 0:0 @${EPOCH}`]);
  });
});

describe('the cradle', () => {
  it('makes a home and a place to work, and changes no more than it has to', () => {
    const tree = assembled(
      {
        '/': [
          { name: './', mode: 0o700, mtime: 1 },
          { name: 'task/', mode: 0o500, uid: 3, mtime: 2, xattrs: { 'user.a': 'b' } },
          { name: 'tmp/', mode: 0o755, uid: 4, mtime: 3 },
        ],
      },
      { noop: true },
    );
    expect(listing(tree)).toEqual([
      '/ 701 0:0 @1',
      `/home 755 1000:1000 @${EPOCH}`,
      `/home/reuser 755 1000:1000 @${EPOCH}`,
      '/task 700 1000:1000 @2',
      '/tmp 1777 4:0 @3',
    ]);
    expect(tree.layers.map(({ input }) => input)).toEqual([undefined, '/', undefined, undefined, undefined]);
    expect(byteString(tree.layers[2]!.index.pathBytes)).toBe('task');
  });

  it('refuses a home that is no directory', () => {
    expect(() => assembled({ '/': [{ name: 'home' }] }, { noop: true })).toThrow('/home/reuser leads through /home');
  });
});
