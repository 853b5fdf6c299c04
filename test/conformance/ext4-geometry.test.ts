import { copyFileSync, statfsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ImageError } from '../../src/core/errors.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildCase, planCase } from '../helpers/image-case.ts';
import { mountImage, unmount, walkMounted } from '../helpers/mount.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'dumpe2fs', 'mount', 'root');
const MIB = 1024 * 1024;

const some: readonly TarEntry[] = [
  { name: 'a', data: 'one' },
  { name: 'd/b', data: 'x'.repeat(100_000) },
  { name: 'd/c', type: 'symlink', linkName: '../a' },
];
const files = (count: number): TarEntry[] => Array.from({ length: count }, (_, i) => ({ name: `many/${i}` }));

/** A line of `dumpe2fs -h`. */
function superblockLine(path: string, name: string): string | undefined {
  return run('dumpe2fs', ['-h', path])
    .toString()
    .match(new RegExp(`^${name}: +(.*)$`, 'm'))?.[1];
}

const refusal = (options: ImageOptions, layer: readonly TarEntry[] = some): Promise<ImageError> =>
  planCase([layer], options).then(
    () => expect.unreachable('it was planned'),
    (error: unknown) => error as ImageError,
  );

describe.skipIf(!isReady)('an image', () => {
  it.each<[string, ImageOptions]>([
    ['blocks of 1 KiB in two groups', { blockSize: 1024, size: 12 * MIB }],
    ['blocks of 1 KiB in one group but for one block', { blockSize: 1024, size: 8 * MIB }],
    ['blocks of 1 KiB and few in the last group', { blockSize: 1024, size: 8 * MIB + 4096 }],
    ['blocks of 2 KiB', { blockSize: 2048, size: 64 * MIB }],
    ['one block in the last group', { size: 128 * MIB + 4096 }],
    ['a thousand groups', { size: 1000 * 128 * MIB }],
    ['as many groups as descriptors take a chunk', { blockSize: 1024, size: 16_384 * 8 * MIB }],
    ['many inodes', { inodes: 1_000_000, size: 4096 * MIB }],
    ['as many inodes as a group can have', { blockSize: 1024, inodes: 8192 }],
    ['free bytes', { free: 200 * MIB }],
    ['free percent', { free: { percent: 900 } }],
  ])('of %s is clean and mounts', async (_, options) => {
    const { path, image } = await buildCase([some], options);
    expect(image.size).toBe(options.size ?? image.plan.size);
    e2fsck(path);
    expect(superblockLine(path, 'Free blocks')).toBe(String(image.plan.geometry.blocks - image.plan.blocks.used));
    const { inodesPerGroup, groups } = image.plan.geometry;
    expect(superblockLine(path, 'Free inodes')).toBe(String(inodesPerGroup * groups - image.plan.inodes.used));
    const mounted = mountImage(path);
    expect(walkMounted(mounted)).toHaveLength(4);
    const { bsize, blocks, bfree, files: inodes, ffree } = statfsSync(mounted);
    expect(inodes - ffree).toBe(image.plan.inodes.used);
    expect(bsize * bfree).toBe((image.plan.geometry.blocks - image.plan.blocks.used) * bsize);
    expect(blocks).toBeLessThanOrEqual(image.plan.geometry.blocks);
  });

  it('has its label and uuid', async () => {
    const uuid = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    const { path } = await buildCase([some], { label: 'sixteen bytes ok', uuid });
    e2fsck(path);
    expect(superblockLine(path, 'Filesystem volume name')).toBe('sixteen bytes ok');
    expect(superblockLine(path, 'Filesystem UUID')).toBe('01020304-0506-0708-090a-0b0c0d0e0f10');
    expect((await refusal({ label: 'seventeen bytes !' })).code).toBe('option-invalid');
  });

  it('that is too small says what it needs, and has that size then', async () => {
    for (const options of [
      { size: 4096 },
      { size: 64 * 1024, blockSize: 1024 },
      { size: MIB, free: 200 * MIB },
    ] as const) {
      const error = await refusal(options);
      expect(error.code).toBe('image-too-small');
      const size = Number(/needs (\d+) bytes/.exec(error.message)?.[1]);
      const { path } = await buildCase([some], { ...options, size });
      e2fsck(path);
      expect((await refusal({ ...options, size: size - 4096 })).code).toBe('image-too-small');
    }
  });

  it('has the inodes that it was asked for, or says what it needs', async () => {
    const { path } = await buildCase([files(500)], { inodes: 600 });
    e2fsck(path);
    expect(Number(superblockLine(path, 'Inode count'))).toBeGreaterThanOrEqual(600);
    const error = await refusal({ inodes: 500 }, files(500));
    expect(error).toMatchObject({ code: 'image-too-small', what: 'the content needs 512 inodes, the image has 500' });
    expect((await refusal({ inodes: 2 ** 32 - 1 })).code).toBe('limit-exceeded');
    expect((await refusal({ blockSize: 1024, inodes: 2 ** 32 - 1 })).code).toBe('limit-exceeded');
  });

  it('of one size has no room for the inodes that another has', async () => {
    const layer = files(20_000);
    const error = await refusal({ blockSize: 1024, size: 10 * MIB }, layer);
    expect(error.code).toBe('image-too-small');
    const size = Number(/needs (\d+) bytes/.exec(error.message)?.[1]);
    e2fsck((await buildCase([layer], { blockSize: 1024, size })).path);
  });

  it('of more blocks than its block numbers or its groups can have is refused', async () => {
    expect((await refusal({ fs: 'ext2', size: 2 ** 44 })).code).toBe('limit-exceeded');
    expect((await refusal({ blockSize: 1024, free: 2 ** 42 })).code).toBe('limit-exceeded');
    expect((await refusal({ size: 2 ** 49 })).code).toBe('limit-exceeded');
  });
});

describe.skipIf(!isReady)('a guest that writes', () => {
  const lower = [...some, ...Array.from({ length: 300 }, (_, i) => ({ name: `f/${i}`, data: `${i}`.repeat(1000) }))];
  const upper = [...Array.from({ length: 100 }, (_, i) => ({ name: `f/${2 * i}`, data: 'new' })), { name: 'f/.wh.1' }];

  it.each<[string, ImageOptions]>([
    ['one group', { size: 24 * MIB }],
    ['groups that were in no use', { size: 30 * MIB, blockSize: 1024 }],
    ['inodes in groups that are in no use', { size: 40 * MIB, blockSize: 1024, inodes: 30_000 }],
    ['blocks of 2 KiB', { size: 70 * MIB, blockSize: 2048 }],
  ])('fills and empties %s', async (_, options) => {
    const { path, directory } = await buildCase([lower, upper], options);
    const copy = `${directory}/copy.ext4`;
    copyFileSync(path, copy);
    const full = mountImage(copy, 'rw');
    // Small files until no inode or block is left, then one large file for what is left of the blocks.
    const fill =
      'set -e; mkdir m; : > d/large; (i=0; while :; do echo $i > m/$i; i=$((i+1)); [ $i -lt 3000 ] || break; done) 2>/dev/null || :';
    run('sh', ['-c', `${fill}; ! dd if=/dev/zero of=d/large bs=1M 2>/dev/null && sync`], { cwd: full });
    const { length } = walkMounted(full);
    unmount(full);
    e2fsck(copy);
    const again = mountImage(copy, 'rw');
    expect(walkMounted(again)).toHaveLength(length);
    run('sh', ['-c', 'rm -r -- * && mkdir -p x/y && ln -s q x/y/z && sync'], { cwd: again });
    unmount(again);
    e2fsck(copy);
  });
});
