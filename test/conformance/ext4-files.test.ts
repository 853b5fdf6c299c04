import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DataSegment } from '../../src/core/layer/entry.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildCase, planCase } from '../helpers/image-case.ts';
import { mountImage, walkMounted } from '../helpers/mount.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'root');

/** Bytes that tell their place. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = 1 + ((i * 31 + (i >> 8) * 7 + seed) % 255);
  return bytes;
}

const sparseFile = (name: string, size: number, segments: readonly DataSegment[]): TarEntry => ({
  name,
  data: pattern(
    segments.reduce((sum, { length }) => sum + length, 0),
    size,
  ),
  sparse: { form: '1.0', size, segments },
});

/** The content of a sparse file, holes as zeros. */
function contentOf({ data, sparse }: TarEntry): Uint8Array {
  const content = new Uint8Array(sparse!.size);
  let from = 0;
  for (const { offset, length } of sparse!.segments) {
    content.set((data as Uint8Array).subarray(from, from + length), offset);
    from += length;
  }
  return content;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Builds, checks and mounts an image of one sparse file, and compares all of it. */
async function checkSparse(file: TarEntry, options: ImageOptions = {}): Promise<string> {
  const { path } = await buildCase([[{ name: 'first', data: 'x' }, file, { name: 'last', data: 'y' }]], options);
  e2fsck(path);
  const mounted = mountImage(path);
  const found = Object.fromEntries(walkMounted(mounted).map((each) => [each.path, each.content]));
  expect(found).toEqual({
    first: sha256(Buffer.from('x')),
    [file.name]: sha256(contentOf(file)),
    last: sha256(Buffer.from('y')),
  });
  return path;
}

/** The depth of a file's extent tree, as debugfs sees it. */
const depthOf = (path: string, name: string): number =>
  Math.max(
    0,
    ...Array.from(debugfs(path, `dump_extents -n /${name}`).matchAll(/^ *\d+\/ *(\d+)/gm), ([, depth]) =>
      Number(depth),
    ),
  );

const everySecond = (count: number, unit: number): DataSegment[] =>
  Array.from({ length: count }, (_, i) => ({ offset: 2 * i * unit, length: unit }));

describe.skipIf(!isReady)('a file', () => {
  it.each([1024, 4096] as const)('of every length around blocks of %d is kept', async (blockSize) => {
    const lengths = [0, 1, 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 524_288, 524_289, 1_000_000];
    const layer = lengths.map((length) => ({ name: `f${length}`, data: pattern(length, length) }));
    const { path } = await buildCase([layer], { blockSize });
    e2fsck(path);
    const found = walkMounted(mountImage(path)).map(({ path: name, content }) => [name, content]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(layer.map(({ name, data }) => [name, sha256(data)])));
  });

  it('of more blocks than four extents hold has a tree', async () => {
    // 4 extents of 32,768 blocks of 1 KiB are 128 MiB.
    const { path } = await buildCase([[{ name: 'f', data: new Uint8Array(128 * 1024 * 1024 + 1).fill(7) }]], {
      blockSize: 1024,
    });
    e2fsck(path);
    expect(depthOf(path, 'f')).toBe(1);
    expect(walkMounted(mountImage(path))[0]?.content).toBe(sha256(new Uint8Array(128 * 1024 * 1024 + 1).fill(7)));
  });
});

describe.skipIf(!isReady)('a sparse file', () => {
  it.each([
    [4, 4096, 0],
    [5, 4096, 1],
    [340, 4096, 1],
    [341, 4096, 1],
    [1360, 4096, 1],
    [1361, 4096, 2],
    [84 * 4, 1024, 1],
    [84 * 4 + 1, 1024, 2],
    [84 * 84 * 4 + 1, 1024, 3],
  ] as const)('of %d segments with blocks of %d has a tree of depth %d', async (count, blockSize, depth) => {
    const file = sparseFile('f', 2 * count * blockSize, everySecond(count, blockSize));
    expect(depthOf(await checkSparse(file, { blockSize }), 'f')).toBe(depth);
  });

  it('of 200,000 segments', async () => {
    const file = sparseFile('f', 200_000 * 2048, everySecond(200_000, 1024));
    expect(depthOf(await checkSparse(file, { blockSize: 1024 }), 'f')).toBe(3);
  });

  it.each([1024, 4096] as const)('of segments at any place is kept (blocks of %d)', async (blockSize) => {
    const segments: DataSegment[] = [];
    for (let offset = 3, i = 0; i < 400; i++) {
      const length = [1, 100, 4096, 5000, 700, 4095][i % 6]!;
      segments.push({ offset, length });
      offset += length + [0, 1, 4096, 900, 20_000, 3, 8191][i % 7]!;
    }
    const { offset, length } = segments.at(-1)!;
    for (const hole of [0, 1, 100_001]) {
      expect(await checkSparse(sparseFile('f', offset + length + hole, segments), { blockSize })).toBeDefined();
    }
  });

  it('of holes alone has no block', async () => {
    const path = await checkSparse(sparseFile('f', 10_000_000, []));
    expect(debugfs(path, 'stat /f')).toMatch(/Size: 10000000\n[^]*Blockcount: 0\n/);
  });

  it('of 1 TiB, with data at both ends, takes two blocks', async () => {
    const size = 2 ** 40;
    const segments = [
      { offset: 0, length: 10 },
      { offset: size - 10, length: 10 },
    ];
    const file = sparseFile('d/huge', size, segments);
    const { path, image } = await buildCase([[file]]);
    expect(image.size).toBeLessThan(2 ** 21);
    e2fsck(path);
    const mounted = `${mountImage(path)}/d/huge`;
    const { size: seen, blocks } = statSync(mounted);
    expect([seen, blocks]).toEqual([size, 16]);
    const fd = openSync(mounted, 'r');
    const end = Buffer.alloc(4096);
    expect(readSync(fd, end, 0, 4096, size - 4096)).toBe(4096);
    closeSync(fd);
    expect(end.subarray(4086).equals((file.data as Uint8Array).subarray(10))).toBe(true);
    expect(end.subarray(0, 4086).every((byte) => byte === 0)).toBe(true);
  });

  it.each([1024, 2048, 4096] as const)('may have 2^32 - 1 blocks of %d bytes, not one byte more', async (blockSize) => {
    const max = (2 ** 32 - 1) * blockSize;
    const file = (size: number): TarEntry => sparseFile('f', size, [{ offset: size - 5, length: 5 }]);
    const { path } = await buildCase([[file(max)]], { blockSize });
    e2fsck(path);
    expect(statSync(`${mountImage(path)}/f`).size).toBe(max);
    await expect(planCase([[file(max + 1)]], { blockSize })).rejects.toMatchObject({
      code: 'limit-exceeded',
      context: expect.objectContaining({ layer: 0, path: 'f' }) as object,
      what: `a file of ${max + 1} bytes, at most ${max} with this block size`,
    });
  });

  it('that a higher layer replaces leaves its room and nothing else', async () => {
    const lower = [sparseFile('f', 3_000_000, everySecond(300, 5000)), { name: 'g', data: 'kept' }];
    const { path } = await buildCase([lower, [{ name: 'f', data: 'new' }]]);
    e2fsck(path);
    const found = walkMounted(mountImage(path)).map(({ path: name, content }) => [name, content]);
    expect(Object.fromEntries(found)).toEqual({ f: sha256(Buffer.from('new')), g: sha256(Buffer.from('kept')) });
  });
});
