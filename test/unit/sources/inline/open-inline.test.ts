import { appendFileSync, chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8ByteString } from '../../../../src/core/bytes.ts';
import type { ImageError } from '../../../../src/core/errors.ts';
import { openImage } from '../../../../src/image/open-image.ts';
import { hashImage } from '../../../../src/sinks/digest.ts';
import type { InlineEntry } from '../../../../src/sources/inline/inline-files.ts';
import type { LayerInput } from '../../../../src/sources/layer-input.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../../../helpers/tar-writer.ts';

const EPOCH = 1_262_304_000;

async function digestOf(layers: readonly LayerInput[], mtime: 'keep' | 'fixed' = 'keep'): Promise<string> {
  const image = await openImage({ layers, cache: false, mtime });
  try {
    return await hashImage(image, 'sha256');
  } finally {
    image.close();
  }
}

function tarAt(entries: readonly TarEntry[]): string {
  const path = join(scratch(), 'layer.tar');
  writeFileSync(path, makeTar(entries));
  return path;
}

const LOWER: readonly TarEntry[] = [
  { name: 'old', data: 'old' },
  { name: 'd/lower', data: 'lower' },
  { name: 'e/lower', data: 'lower' },
];

describe('inline files', () => {
  it('are the layer of a tar with the same entries', async () => {
    const mtime = EPOCH;
    const lower = tarAt(LOWER);
    const tar = tarAt([
      { name: './', mode: 0o700, mtime },
      {
        name: 'a',
        data: 'text\n',
        mode: 0o600,
        uid: 5,
        gid: 6,
        mtime: '-1.5',
        xattrs: { 'user.x': 'y', 'user.b': new Uint8Array([0, 255]) },
      },
      { name: 'b', data: new Uint8Array([1, 0, 2]), mtime },
      { name: 'deep/er/c', data: '', mtime },
      { name: 'link', type: 'symlink', linkName: '../x', mode: 0o777, mtime },
      { name: 'hard', type: 'hardlink', linkName: 'a' },
      { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666, mtime },
      { name: 'disk', type: 'block', deviceMajor: 8, deviceMinor: 1, mtime },
      { name: 'pipe', type: 'fifo', mtime },
      { name: '.wh.old', mtime },
      { name: 'd/', mtime },
      { name: 'd/.wh..wh..opq', mtime },
      { name: 'd/upper', data: 'upper', mtime },
    ]);
    const files: Record<string, InlineEntry> = {
      '/': { directory: true, mode: 0o700 },
      '/a': {
        text: 'text\n',
        mode: 0o600,
        owner: { uid: 5, gid: 6 },
        mtime: -1.5,
        xattrs: { 'user.x': 'y', 'user.b': new Uint8Array([0, 255]) },
      },
      '/b': { bytes: new Uint8Array([1, 0, 2]) },
      '/deep/er/c': { text: '' },
      '/link': { symlink: '../x' },
      '/hard': { hardLink: '/a' },
      '/null': { characterDevice: [1, 3], mode: 0o666 },
      '/disk': { blockDevice: [8, 1] },
      '/pipe': { fifo: true },
      '/old': { remove: true },
      '/d/': { directory: true, opaque: true },
      '/d/upper': { text: 'upper' },
    };
    expect(await digestOf([lower, { files }])).toBe(await digestOf([lower, tar]));
    expect(await digestOf([lower, { files, at: '/e' }])).toBe(await digestOf([lower, { reference: tar, at: '/e' }]));
    expect(await digestOf([lower, { files }])).not.toBe(await digestOf([lower]));
  });

  it('take of files of the host what they hold and whether they run', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'plain'), 'plain', { mode: 0o640 });
    writeFileSync(join(folder, 'tool'), 'x'.repeat(9000));
    chmodSync(join(folder, 'tool'), 0o700);
    symlinkSync('tool', join(folder, 'link'));
    const file = (name: string): InlineEntry => ({ file: join(folder, name) });
    const tar = tarAt([
      { name: 'a', data: 'plain' },
      { name: 'text', data: 'text' },
      { name: 'b', data: 'x'.repeat(9000), mode: 0o755 },
      { name: 'c', data: 'x'.repeat(9000), mode: 0o755 },
    ]);
    const files = { '/a': file('plain'), '/text': { text: 'text' }, '/b': file('tool'), '/c': file('link') };
    expect(await digestOf([{ files }], 'fixed')).toBe(await digestOf([tar], 'fixed'));
  });

  it('notice a file of the host that changes', async () => {
    const path = join(scratch(), 'file');
    writeFileSync(path, 'x'.repeat(100));
    const image = await openImage({ layers: [{ files: { '/t': { text: 't' }, '/f': { file: path } } }], cache: false });
    image.verifyUnchanged();
    appendFileSync(path, 'y');
    expect(() => image.verifyUnchanged()).toThrow(
      expect.objectContaining({
        code: 'layer-changed',
        context: expect.objectContaining({ path: 'f' }) as unknown,
      }) as Error,
    );
    await expect(hashImage(image, 'sha256')).rejects.toMatchObject({ code: 'layer-changed' });
    image.close();
  });

  it('name the entry that cannot be', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'd'));
    const error = async (path: string, entry: InlineEntry): Promise<unknown> => {
      try {
        return await digestOf([{ files: { [path]: entry } }]);
      } catch (failure) {
        return (failure as Error).message;
      }
    };
    expect(await error('/f', { file: join(folder, 'none') })).toBe(
      `layer 0 (files), entry f: ${folder}/none: no such file or directory`,
    );
    expect(await error('/f', { file: join(folder, 'd') })).toBe(
      `layer 0 (files), entry f: ${folder}/d is a directory, which is a layer of its own: dir:`,
    );
    expect(await error('/f', { text: '', mode: 0o10000 })).toBe(
      'layer 0 (files), entry f: a mode of 4096, 0 to 4095 are possible',
    );
    expect(await error('/', { text: '' })).toBe('layer 0 (files), entry /: the root can only be a directory');
    expect(await error('f', { text: '' })).toBe('layer 0 (files): the path f does not begin with /');
    expect(await error('/f', { symlink: 'x'.repeat(4096) })).toBe(
      'layer 0 (files), entry f: a symlink to 4096 bytes, at most 4095 are possible',
    );
    expect(await error('/f', { bytes: new Uint8Array(2 ** 26 + 1) })).toBe(
      'layer 0 (files): its texts have over 67108864 bytes; put them into files',
    );
  });

  it('are the image of a tar for any tree', async () => {
    const name = fc.constantFrom('a', 'b', 'ü', '.x');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
    const what = fc.oneof(
      fc.record({ text: fc.string({ maxLength: 20, unit: 'grapheme' }), mode: fc.nat({ max: 0o7777 }) }),
      fc.record({ symlink: fc.constantFrom('a', '/b', '../c') }),
      fc.record({ directory: fc.constant(true as const), owner: fc.record({ uid: fc.nat(), gid: fc.nat() }) }),
      fc.record({ fifo: fc.constant(true as const), mtime: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }) }),
    );
    const tree = fc.uniqueArray(fc.tuple(path, what), { maxLength: 12, selector: ([each]) => each });
    await fc.assert(
      fc.asyncProperty(tree, fc.constantFrom(undefined, '/', '/a', '/x/y'), async (entries, at) => {
        const files = Object.fromEntries(entries.map(([each, entry]) => [`/${each}`, entry as InlineEntry]));
        const tar = tarAt(
          entries.map(([each, entry]) => tarEntry(at === undefined ? each : `${at}/${each}`, entry as InlineEntry)),
        );
        const digestOrFailure = async (layer: LayerInput): Promise<string> =>
          digestOf([layer]).catch((error: unknown) => (error as ImageError).code);
        expect(await digestOrFailure({ files, at })).toBe(await digestOrFailure(tar));
      }),
      { numRuns: 40 },
    );
  });
});

function tarEntry(path: string, entry: InlineEntry): TarEntry {
  const { mode, owner = { uid: 0, gid: 0 }, mtime = EPOCH } = entry;
  const common = {
    name: utf8ByteString(path),
    ...owner,
    mtime: String(mtime),
    ...(mode === undefined ? {} : { mode }),
  };
  if ('text' in entry) return { ...common, type: 'file', data: utf8ByteString(entry.text) };
  if ('symlink' in entry) return { ...common, type: 'symlink', linkName: entry.symlink, mode: 0o777 };
  if ('directory' in entry) return { ...common, type: 'directory', mode: 0o755 };
  return { ...common, type: 'fifo' };
}
