import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfSeed } from '../../golden-images/recipe.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { surveyFilesystem } from '../../src/core/ext4/reader/survey.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildCase, bytesOfImage, planCase } from '../helpers/image-case.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { mountImage, unmount } from '../helpers/mount.ts';
import { describeMounted, describeRead } from '../helpers/read-tree.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'getfattr', 'setfattr', 'root');

const INLINE: ImageOptions = { features: ['inline_data'] };

/** An image with inline_data that is clean, and that the kernel and the reader see as its twin without it. */
async function checkTwins(layers: readonly (readonly TarEntry[])[], options: ImageOptions = {}): Promise<string> {
  const { path, image } = await buildCase(layers, { ...options, ...INLINE });
  e2fsck(path);
  const seen = describeMounted(mountImage(path));
  expect(describeRead(image)).toEqual(seen);
  const twin = await buildCase(layers, options);
  expect(seen).toEqual(describeMounted(mountImage(twin.path)));
  return path;
}

const isInline = (path: string, name: string): boolean => / Flags: 0x10000000\n/.test(debugfs(path, `stat "/${name}"`));

describe.skipIf(!isReady)('files that their inodes hold', () => {
  it.each([1024, 4096] as const)('are those that fit (blocks of %d)', async (blockSize) => {
    const lengths = Array.from({ length: 260 }, (_, length) => length);
    const path = await checkTwins(
      [lengths.map((length) => ({ name: `${length}`, data: bytesOfSeed(length, length) }))],
      {
        blockSize,
      },
    );
    // 60 bytes in i_block; of 256 the xattrs begin at 160: 4 of a magic, 20 of the entry, 4 zeros behind it.
    const some = [0, 1, 59, 60, 61, 64, 127, 128, 129, 255];
    expect(some.filter((length) => isInline(path, `${length}`))).toEqual(some.slice(1, -2));
  });

  it('share the inode with xattrs', async () => {
    const layer = [0, 10, 20, 30, 40, 44, 48, 49, 60, 68, 200, 5000].flatMap((value) =>
      [1, 60, 61, 76, 77, 100, 128].map((length) => ({
        name: `${value},${length}`,
        data: bytesOfSeed(length, length),
        xattrs: { 'trusted.x': bytesOfSeed(value, value) },
      })),
    );
    const path = await checkTwins([layer]);
    // Of 88 bytes an entry with a value of 48 takes 68, and leaves those that `system.data` takes without a value.
    expect(['48,60', '48,61', '49,1', '10,77', '200,128', '5000,128'].map((name) => isInline(path, name))).toEqual([
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('are zeros, sparse or empty as others are', async () => {
    const path = await checkTwins([
      [
        { name: 'zeros', data: '\0'.repeat(100) },
        {
          name: 'sparse',
          sparse: { form: '1.0', size: 100, segments: [{ offset: 50, length: 10 }] },
          data: 'x'.repeat(10),
        },
        { name: 'hole', sparse: { form: '1.0', size: 100, segments: [] } },
        { name: 'empty' },
      ],
    ]);
    expect(['zeros', 'sparse', 'hole', 'empty'].map((name) => isInline(path, name))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('take no blocks, and move nothing when a higher layer removes them', async () => {
    const layer = Array.from({ length: 3000 }, (_, i) => ({ name: `f${i}`, data: `${i}` }));
    const large = { name: 'large', data: bytesOfSeed(1, 10_000) };
    const place = async (...layers: TarEntry[][]): Promise<number | undefined> =>
      (await planCase(layers, INLINE)).image.plan.locate('large')?.offset;
    expect(await place([...layer, large], [{ name: 'top', data: 'x' }])).toBe(
      await place([...layer, large], [{ name: '.wh.f7' }]),
    );
    const { image } = await planCase([layer], INLINE);
    expect(image.plan.blocks.used).toBeLessThan(400);
  });

  it('are kept when their layer is gone', async () => {
    const { image, directory } = await planCase([[{ name: 'a', data: 'hello' }]], INLINE);
    rmSync(`${directory}/layer-0.tar`);
    expect(describeRead(memoryDevice(bytesOfImage(image)))).toHaveLength(1);
  });
});

describe.skipIf(!isReady)('directories that their inodes hold', () => {
  it('are those that fit, in both parts', async () => {
    const directories = Array.from({ length: 40 }, (_, i) => ({
      name: `d${i}`,
      names: Array.from({ length: i % 8 }, (_name, j) => `${j}`.padEnd(1 + ((i * 7 + j * 5) % 40), '.')),
    }));
    const layer = directories.flatMap(({ name, names }) => [
      { name: `${name}/` },
      ...names.map((each) => ({ name: `${name}/${each}`, data: 'x' })),
    ]);
    const path = await checkTwins([layer]);
    const fits = ({ names }: { names: readonly string[] }): boolean => {
      const lengths = names.map((name) => 8 + 4 * Math.ceil(name.length / 4));
      let first = 0;
      let i = 0;
      for (; i < lengths.length && first + lengths[i]! <= 56; i++) first += lengths[i]!;
      return lengths.slice(i).reduce((sum, length) => sum + length, 0) <= 68;
    };
    for (const directory of directories) {
      expect([directory.name, isInline(path, directory.name)]).toEqual([directory.name, fits(directory)]);
    }
    expect(isInline(path, 'lost+found')).toBe(false);
  });

  it('may hold each other, but not be the root, and share the inode with xattrs', async () => {
    const path = await checkTwins([
      [
        { name: 'a/b/c/d/e/', xattrs: { 'user.x': '1'.repeat(40) } },
        { name: 'a/b/f', type: 'symlink', linkName: 'c' },
        { name: 'a/b/g', type: 'hardlink', linkName: 'a/b/f' },
        { name: 'a/h/', xattrs: { 'user.x': '1'.repeat(68) } },
        { name: 'a/i/', xattrs: { 'user.x': '1'.repeat(5000) } },
      ],
    ]);
    expect(['', 'a', 'a/b', 'a/b/c/d/e', 'a/h', 'a/i'].map((name) => isInline(path, name))).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
    ]);
  });
});

describe.skipIf(!isReady)('what inodes hold', () => {
  it('is any small tree', async () => {
    const file = fc.tuple(fc.nat(140), fc.option(fc.nat(100), { nil: undefined }));
    const directory = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), file), { maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(fc.array(directory, { maxLength: 8 }), async (directories) => {
        const layer = directories.flatMap((names, i) => [
          { name: `${i}/` },
          ...names.map(([nameLength, [length, xattr]], j) => ({
            name: `${i}/${j}${'n'.repeat(nameLength)}`,
            data: bytesOfSeed(j, length),
            xattrs: xattr === undefined ? {} : { 'user.x': bytesOfSeed(i, xattr) },
          })),
        ]);
        await checkTwins([layer]);
      }),
      { numRuns: 15 },
    );
  });

  it.each([false, true])('can be changed by a guest (with a journal: %s)', async (journal) => {
    const layer = [
      ...Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, data: 'x'.repeat(6 * i) })),
      ...Array.from({ length: 20 }, (_, i) => ({ name: `d${i}/${'n'.repeat(1 + 5 * i)}` })),
      { name: 'e/' },
    ];
    const { path } = await buildCase([layer], { ...INLINE, journal, free: 8 << 20 });
    const mounted = mountImage(path, 'rw');
    for (let i = 0; i < 20; i++) {
      appendFileSync(`${mounted}/f${i}`, 'y'.repeat(i * i));
      writeFileSync(`${mounted}/d${i}/${i}`, 'z'.repeat(10 * i));
      mkdirSync(`${mounted}/d${i}/sub`);
    }
    truncateSync(`${mounted}/f10`, 5);
    truncateSync(`${mounted}/f3`, 3000);
    run('setfattr', ['-n', 'user.x', '-v', 'v'.repeat(50), `${mounted}/f5`]);
    for (let i = 0; i < 300; i++) writeFileSync(`${mounted}/e/name-${i}`, `${i}`);
    renameSync(`${mounted}/d1/n`.padEnd(`${mounted}/d1/`.length + 6, 'n'), `${mounted}/moved`);
    rmSync(`${mounted}/d2`, { recursive: true });
    run('sync', ['-f', mounted]);
    const seen = describeMounted(mounted);
    unmount(mounted);
    e2fsck(path);
    const again = mountImage(path);
    expect(describeMounted(again)).toEqual(seen);
    expect(readdirSync(`${again}/e`)).toHaveLength(300);
  });

  it('is in no block of a survey', async () => {
    const { image } = await planCase([[{ name: 'd/a', data: 'x' }]], INLINE);
    const survey = surveyFilesystem(new Filesystem(memoryDevice(bytesOfImage(image))));
    expect(survey.nameCount).toBe(4);
    // Superblock, descriptors, record, two bitmaps, the inode table, the root, lost+found.
    expect(survey.runCount).toBe(8);
  });
});
