import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openImage } from '../../src/image/open-image.ts';
import { bytesOfImage, writeSparse } from '../helpers/image-case.ts';
import { walkMounted } from '../helpers/mount.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('tar', 'root');

const sample: readonly TarEntry[] = [
  { name: 'z', data: 'last\n', mode: 0o4755, uid: 1000, gid: 5, mtime: 1_600_000_000 },
  { name: 'd/file', data: 'x'.repeat(5000) },
  { name: 'd/\xc3\xbc \xff', data: 'bytes' },
  { name: `${'p'.repeat(70)}/${'q'.repeat(70)}/${'n'.repeat(99)}`, data: 'long' },
  { name: 'link', type: 'symlink', linkName: 'd/file' },
  { name: 'again', type: 'hardlink', linkName: 'z' },
  { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
  { name: 'pipe', type: 'fifo' },
  { name: 'empty/' },
  { name: 'sparse', data: 'ab', sparse: { form: '1.0', size: 5002, segments: [{ offset: 5000, length: 2 }] } },
];

describe.skipIf(!isReady)('a tar image', () => {
  it('is what GNU tar unpacks, without an extended header', async () => {
    const folder = scratch();
    const layer = join(folder, 'layer.tar');
    writeFileSync(layer, makeTar(sample));
    const image = await openImage({ layers: [layer], fs: 'tar', mtime: 'keep', size: 64 * 1024, cache: false });
    const [path, given, found] = ['image.tar', 'given', 'found'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeSparse(image, path);
    image.close();
    for (const [tar, to] of [
      [layer, given],
      [path, found],
    ] as const) {
      mkdirSync(to);
      run('tar', ['-xpf', tar, '-C', to]);
    }
    const seen = (directory: string) =>
      walkMounted(directory)
        .map(({ path: name, content, stat }) => [
          name,
          content,
          stat.mode,
          stat.uid,
          stat.gid,
          stat.rdev,
          stat.size && stat.isFile(),
        ])
        .sort(([a], [b]) => (a! < b! ? -1 : 1));
    expect(seen(found)).toEqual(seen(given));
    const types = run('tar', ['--list', '--block-number', '-f', path]).toString().split('\n');
    expect(types.at(-2)).toMatch(/Block of NULs/);
    expect(types).toHaveLength(15);
  });

  it('is the same layer as what it was made of, and the same image again', async () => {
    const folder = scratch();
    const [layer, path] = [join(folder, 'layer.tar'), join(folder, 'image.tar')];
    writeFileSync(layer, makeTar(sample.filter(({ type }) => type !== 'hardlink')));
    const options = { fs: 'tar', mtime: 'keep', cache: false } as const;
    const image = await openImage({ ...options, layers: [layer] });
    writeSparse(image, path);
    const again = await openImage({ ...options, layers: [path] });
    expect(bytesOfImage(again)).toEqual(bytesOfImage(image));
    image.close();
    again.close();
  });
});
