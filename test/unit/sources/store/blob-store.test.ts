import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { INDEX_VERSION } from '../../../../src/core/layer/index-file.ts';
import { entryPath } from '../../../../src/core/layer/layer-index.ts';
import type { Layer } from '../../../../src/sources/layer.ts';
import { openLayer } from '../../../../src/sources/open-layer.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';

const isRoot = process.geteuid?.() === 0;
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i < 200_000 ? 0 : i * i));
const tar = makeTar([{ name: 'file', data: content }]);
const gzip = gzipSync(tar);

/** Moves the clock on, so that files made by a test are old enough to be trusted. */
function later(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  onTestFinished(() => void vi.useRealTimers());
}

function compressed(): string {
  const path = join(scratch(), 'a.tar.gz');
  writeFileSync(path, gzip);
  return path;
}

const inBlobs = (cache: string): string => join(cache, 'blobs/sha256');
const blobsOf = (cache: string): string[] => readdirSync(inBlobs(cache)).map((name) => join(inBlobs(cache), name));
const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

function onlyBlob(cache: string): string {
  const [path, ...others] = blobsOf(cache);
  if (path === undefined || others.length > 0) throw new Error('expected one blob');
  return path;
}

function check(layer: Layer): void {
  const bytes = new Uint8Array(tar.length);
  layer.blob.readSync(0, bytes);
  expect(Buffer.compare(bytes, tar)).toBe(0);
  expect(entryPath(layer.index, 0)).toBe('file');
  layer.blob.close();
}

describe('the store of decompressed layers', () => {
  it('decompresses a file once', async () => {
    const [cache, path] = [scratch(), compressed()];
    later();
    check(await openLayer(path, { cache }));
    const before = statSync(onlyBlob(cache));
    check(await openLayer(path, { cache }));
    expect(statSync(onlyBlob(cache)).ino).toBe(before.ino);
    expect(filesIn(join(cache, 'staging'))).toEqual([]);
    expect(readFileSync(join(cache, 'CACHEDIR.TAG'), 'latin1')).toMatch(
      /^Signature: 8a477f597d28d172789f06886806bc55\n/,
    );
  });

  it('keeps zeros as holes', async () => {
    const cache = scratch();
    check(await openLayer(compressed(), { cache }));
    const { blocks, size } = statSync(onlyBlob(cache));
    expect(size).toBe(tar.length);
    expect(blocks * 512).toBeLessThan(150_000);
  });

  it('believes a blob that was touched only after hashing it again', async () => {
    const [cache, path] = [scratch(), compressed()];
    later();
    check(await openLayer(path, { cache }));
    const before = statSync(onlyBlob(cache));
    utimesSync(onlyBlob(cache), 1, 1);
    check(await openLayer(path, { cache }));
    expect(statSync(onlyBlob(cache)).ino).toBe(before.ino);
  });

  it.each<[string, (blob: string) => void]>([
    ['changed', (blob) => writeFileSync(blob, readFileSync(blob).fill(1, 5000, 5001))],
    ['cut', (blob) => writeFileSync(blob, readFileSync(blob).subarray(0, 10_000))],
    ['emptied', (blob) => writeFileSync(blob, '')],
  ])('makes a blob anew that was %s', async (_, damage) => {
    const [cache, path] = [scratch(), compressed()];
    later();
    check(await openLayer(path, { cache }));
    damage(onlyBlob(cache));
    check(await openLayer(path, { cache }));
    expect(Buffer.compare(readFileSync(onlyBlob(cache)), tar)).toBe(0);
  });

  it('lives with any other file of it damaged', async () => {
    const [cache, path] = [scratch(), compressed()];
    later();
    for (const directory of ['sources', 'verified/sha256', `index/v${INDEX_VERSION}`]) {
      for (const damage of ['', 'sha256:x\n', '\0'.repeat(5000)]) {
        check(await openLayer(path, { cache }));
        const [name = '', ...others] = readdirSync(join(cache, directory));
        expect(others).toEqual([]);
        writeFileSync(join(cache, directory, name), damage);
        check(await openLayer(path, { cache }));
        expect(readFileSync(join(cache, directory, name), 'latin1')).not.toBe(damage);
      }
    }
  });

  it('does not take a changed file for the one before', async () => {
    const [cache, path] = [scratch(), compressed()];
    later();
    check(await openLayer(path, { cache }));
    writeFileSync(path, gzipSync(makeTar([{ name: 'other' }])));
    const layer = await openLayer(path, { cache });
    expect(entryPath(layer.index, 0)).toBe('other');
    layer.blob.close();
  });

  it('trusts no record of a file that was written a moment ago', async () => {
    const [cache, path] = [scratch(), compressed()];
    check(await openLayer(path, { cache }));
    expect(filesIn(join(cache, 'sources'))).toEqual([]);
    const plain = join(scratch(), 'a.tar');
    writeFileSync(plain, tar);
    check(await openLayer(plain, { cache: join(cache, 'plain') }));
    expect(filesIn(join(cache, `plain/index/v${INDEX_VERSION}`))).toEqual([]);
    later();
    check(await openLayer(path, { cache }));
    check(await openLayer(plain, { cache: join(cache, 'plain') }));
    expect(filesIn(join(cache, 'sources'))).toHaveLength(1);
    expect(filesIn(join(cache, `plain/index/v${INDEX_VERSION}`))).toHaveLength(1);
    expect(filesIn(join(cache, 'plain/blobs'))).toEqual([]);
  });

  it('uses a temporary file, and says so, when it cannot write', async () => {
    const warnings: string[] = [];
    const occupied = join(scratch(), 'file');
    writeFileSync(occupied, '');
    check(
      await openLayer(compressed(), { cache: join(occupied, 'cache'), onWarning: (message) => warnings.push(message) }),
    );
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^the cache .* cannot be written \(ENOTDIR\), a temporary file is used$/);
  });

  it.skipIf(isRoot)('the same in a directory without permission', async () => {
    const warnings: string[] = [];
    const cache = scratch();
    chmodSync(cache, 0o500);
    check(await openLayer(compressed(), { cache, onWarning: (message) => warnings.push(message) }));
    expect(warnings).toHaveLength(1);
  });

  it('removes what killed processes left, but nothing young', async () => {
    const cache = scratch();
    mkdirSync(join(cache, 'staging'));
    writeFileSync(join(cache, 'staging/old'), 'x');
    writeFileSync(join(cache, 'staging/young'), 'x');
    utimesSync(join(cache, 'staging/old'), new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
    check(await openLayer(compressed(), { cache }));
    expect(filesIn(join(cache, 'staging'))).toEqual(['young']);
  });

  it.runIf(isRoot)('ends with one error, and nothing left, when the disk is full', async () => {
    const cache = scratch();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'blockloom-test', cache]);
    try {
      const opening = openLayer(compressed(), { cache, layer: 2 });
      await expect(opening).rejects.toMatchObject({ code: 'output-failed', context: { layer: 2 } });
      await expect(opening).rejects.toThrow('there is no space');
      expect(filesIn(join(cache, 'staging'))).toEqual([]);
    } finally {
      execFileSync('umount', [cache]);
    }
  });
});
