import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  appendFileSync,
  chmodSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entryPath } from '../../../src/core/layer/layer-index.ts';
import type { Layer } from '../../../src/sources/layer.ts';
import { openPath } from '../../../src/sources/open-path.ts';
import { openLayer, openResolved } from '../../../src/sources/open-layer.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';
import { zstdFrame, zstdSkippable } from '../../helpers/zstd-writer.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** Small and large files, a hole of zeros, xattrs, a long PAX header, and bytes behind the end. */
const tar = makeTar(
  [
    { name: 'etc/' },
    { name: 'etc/hostname', data: 'loom\n', xattrs: { 'user.a': 'b\0c\n', 'user.large': 'x'.repeat(30_000) } },
    { name: 'etc/\xff', type: 'symlink', linkName: 'hostname' },
    { name: 'zeros', data: new Uint8Array(200_000) },
    { name: 'var/large', data: Uint8Array.from({ length: 700_001 }, (_, i) => (i * i) >> 7) },
    { name: 'var/link', type: 'hardlink', linkName: 'var/large' },
  ],
  { trailing: Uint8Array.from({ length: 1024 }, () => 5) },
);
const half = Math.floor(tar.length / 2);

function place(name: string, bytes: Uint8Array): string {
  const path = join(scratch(), name);
  writeFileSync(path, bytes);
  return path;
}

function bytesOfBlob({ blob }: Layer): Uint8Array {
  const bytes = new Uint8Array(tar.length);
  blob.readSync(0, bytes);
  return bytes;
}

describe('openLayer', () => {
  it('reads a plain tar in place', async () => {
    const layer = await openLayer(place('a.tar', tar), { cache: false });
    expect(layer.diffId).toBeUndefined();
    expect(layer.index.count).toBe(6);
    expect(entryPath(layer.index, 2)).toBe('etc/\xff');
    const start = layer.index.dataOffset[1] ?? 0;
    const target = Buffer.alloc(5);
    await layer.blob.read(start, target);
    expect(target.toString()).toBe('loom\n');
    layer.blob.close();
  });

  it.each([
    ['gzip', gzipSync(tar)],
    ['gzip of two members', Buffer.concat([gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))])],
    ['zstd', zstdFrame(tar, { checksum: true })],
    [
      'zstd of two frames',
      Buffer.concat([
        zstdSkippable(tar.subarray(0, 99)),
        zstdFrame(tar.subarray(0, half)),
        zstdFrame(tar.subarray(half)),
      ]),
    ],
  ])('finds the same in %s, under any name, from a file and from a pipe', async (_, bytes) => {
    const plain = await openLayer(place('plain', tar), { cache: false });
    const path = place('a.tar', bytes);
    const before = openFiles();
    const layers = [
      await openLayer(path, { cache: false }),
      await openLayer(path, { cache: false, zstdEngine: 'fzstd' }),
      await openLayer(path, { cache: join(scratch(), 'new') }),
      await openLayer('-', { cache: false, stdin: createReadStream(path, { highWaterMark: 100 }) }),
      await openLayer('-', { cache: scratch(), stdin: Readable.from([bytes], { objectMode: false }) }),
    ];
    for (const layer of layers) {
      expect(layer.index).toEqual(plain.index);
      expect(Buffer.compare(bytesOfBlob(layer), tar)).toBe(0);
      expect(layer.diffId).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(layer.diffId).toBe(layers[0]?.diffId);
      layer.blob.verifyUnchanged();
      layer.blob.close();
    }
    expect(openFiles()).toBe(before);
    plain.blob.close();
  });

  it('takes a plain tar from standard input and from a named pipe', async () => {
    const layer = await openLayer('-', {
      cache: false,
      stdin: Readable.from([tar.subarray(0, 10), tar.subarray(10)], { objectMode: false }),
    });
    expect(layer.index.count).toBe(6);
    layer.blob.close();
    const fifo = join(scratch(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const opening = openLayer(fifo, { cache: false });
    const { writeFile } = await import('node:fs/promises');
    await writeFile(fifo, tar);
    const piped = await opening;
    expect(Buffer.compare(bytesOfBlob(piped), tar)).toBe(0);
    piped.blob.close();
  });

  it('takes a directory by its path or with dir:', async () => {
    const root = scratch();
    mkdirSync(join(root, 'd'));
    for (const reference of [root, `dir:${root}`]) {
      const layer = await openLayer(reference);
      expect(layer.index.count).toBe(2);
      expect(layer.reference).toBe(reference);
      layer.blob.close();
    }
  });

  it.each([
    ['bzip2', Buffer.from('BZh91AY&SY'), 'layer-unsupported', 'bzip2'],
    ['lz4', Buffer.from('04224d18', 'hex'), 'layer-unsupported', 'lz4'],
    ['text', Buffer.from('hello'), 'layer-unsupported', 'no tar'],
    ['nothing', new Uint8Array(0), 'layer-truncated', 'empty'],
    ['gzip of nothing', gzipSync(''), 'layer-truncated', 'no byte'],
    ['half a tar', tar.subarray(0, half), 'layer-truncated', 'layer 4 ('],
    ['half a gzip', gzipSync(tar).subarray(0, 5000), 'layer-truncated', 'gzip'],
    ['gzip of text', gzipSync('hello'.repeat(1000)), 'layer-corrupt', 'checksum'],
  ])('refuses %s, and leaves nothing behind', async (name, bytes, code, message) => {
    const path = place(name.replaceAll(' ', '-'), bytes);
    const cache = scratch();
    const before = openFiles();
    const opening = openLayer(path, { cache, layer: 4 });
    await expect(opening).rejects.toMatchObject({ code, context: { layer: 4, reference: path } });
    await expect(opening).rejects.toThrow(message);
    expect(openFiles()).toBe(before);
    expect(readdirSync(cache).includes('staging') ? readdirSync(join(cache, 'staging')) : []).toEqual([]);
  });

  it.each([
    ['no/such.tar', 'layer-not-found'],
    ['dir:no/such', 'layer-not-found'],
    ['dir:package.json', 'layer-unsupported'],
    ['/dev/zero', 'layer-unsupported'],
  ])('refuses the reference %j', async (reference, code) => {
    await expect(openLayer(reference)).rejects.toMatchObject({ code, context: { layer: 0, reference } });
  });

  it.each(['', 'dir:', 'ftp:host'])('does not know the reference %j', async (reference) => {
    await expect(openLayer(reference)).rejects.toMatchObject({ code: 'option-invalid', context: { reference } });
  });

  it('takes a file whose name looks like a transport', async () => {
    const directory = scratch();
    writeFileSync(join(directory, 'a:b'), tar);
    const home = process.cwd();
    process.chdir(directory);
    onTestFinished(() => process.chdir(home));
    const layer = await openLayer('a:b', { cache: false });
    expect(layer.index.count).toBe(6);
    layer.blob.close();
  });

  it('keeps nothing of a compressed layer that is no tar', async () => {
    const cache = scratch();
    const damaged = tar.slice();
    damaged[600] = 1 ^ (damaged[600] ?? 0);
    const opened = openLayer(place('a.tgz', gzipSync(damaged)), { cache });
    await expect(opened).rejects.toMatchObject({ code: 'layer-corrupt' });
    const kept = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(kept.filter(({ parentPath }) => /blobs|verified|staging/.test(parentPath))).toEqual([]);
  });

  it('refuses more bytes than the limit', async () => {
    const opening = openLayer(place('a.gz', gzipSync(tar)), { cache: false, layerBytesMax: tar.length - 1 });
    await expect(opening).rejects.toMatchObject({ code: 'limit-exceeded' });
    const layer = await openLayer(place('a.gz', gzipSync(tar)), { cache: false, layerBytesMax: tar.length });
    layer.blob.close();
  });

  it('accepts a tar of zeros alone as one without entries', async () => {
    const layer = await openLayer(place('zeros', new Uint8Array(1024)), { cache: false });
    expect(layer.index.count).toBe(0);
    layer.blob.close();
  });

  it.each<[string, (path: string) => void]>([
    ['grew', (path) => appendFileSync(path, 'x')],
    ['was replaced', (path) => (writeFileSync(`${path}2`, tar), renameSync(`${path}2`, path))],
    ['was touched', (path) => writeFileSync(path, tar)],
    ['has other permissions', (path) => chmodSync(path, 0o600)],
  ])('tells that a plain tar %s', async (_, change) => {
    const path = place('a.tar', tar);
    const { blob } = await openLayer(path, { cache: false });
    blob.verifyUnchanged();
    change(path);
    expect(() => blob.verifyUnchanged()).toThrow(expect.objectContaining({ code: 'layer-changed' }));
    blob.close();
  });

  it('tells that a plain tar became shorter when it is read', async () => {
    const path = place('a.tar', tar);
    const { blob } = await openLayer(path, { cache: false });
    writeFileSync(path, readFileSync(path).subarray(0, 1000));
    const expected = { code: 'layer-changed', context: { reference: path } };
    expect(() => blob.readSync(900, Buffer.alloc(200))).toThrow(expect.objectContaining({ code: 'layer-changed' }));
    await expect(blob.read(900, Buffer.alloc(200))).rejects.toMatchObject(expected);
    blob.close();
  });

  it('tells that a compressed file changed while it was read, even by zeros that say nothing', async () => {
    const path = place('a.gz', gzipSync(tar));
    const before = openFiles();
    const opening = openResolved(async (each) => openPath(path, each), path, { cache: scratch() });
    appendFileSync(path, new Uint8Array(1));
    await expect(opening).rejects.toMatchObject({ code: 'layer-changed' });
    expect(openFiles()).toBe(before);
  });

  it('ends with the reason of its signal, also while it waits', async () => {
    const controller = new AbortController();
    const opening = openLayer('-', { cache: false, stdin: new Readable({ read() {} }), signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});
