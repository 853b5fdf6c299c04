import { spawnSync } from 'node:child_process';
import { copyFileSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openImageFile } from '../../src/image/file-image.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { treeDifferences } from '../helpers/exported.ts';
import { buildCase, writeSparse, planCase } from '../helpers/image-case.ts';
import { mountImage, unmount, walkMounted } from '../helpers/mount.ts';
import { describeMounted, describeRead } from '../helpers/read-tree.ts';
import { scratch } from '../helpers/scratch.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'dumpe2fs', 'debugfs', 'mke2fs', 'tune2fs', 'resize2fs', 'mount', 'root');
const MIB = 1024 * 1024;

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 250) + seed) & 0xff);
/** Pieces in front of, between and behind the ranges of one, two and, with blocks of 1 KiB, three levels of indirect blocks. */
const segments = [0, 40_000, 300_000, 5_000_000, 70_000_000].map((offset) => ({ offset, length: 1500 }));

const lower: readonly TarEntry[] = [
  { name: 'etc/hostname', data: 'lower\n', mode: 0o640, uid: 70_000, gid: 5 },
  { name: 'etc/removed', data: bytes(50_000, 1) },
  { name: 'usr/lib/big', data: bytes(20_000_000, 2) },
  { name: 'usr/lib/empty' },
  { name: 'usr/lib/sparse', data: bytes(7500, 3), sparse: { form: '1.0', size: 70_010_000, segments } },
  { name: 'lib', type: 'symlink', linkName: 'usr/lib' },
  { name: 'long', type: 'symlink', linkName: `/${'t'.repeat(300)}` },
  { name: 'linked', type: 'hardlink', linkName: 'usr/lib/big' },
  { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
  { name: 'disk', type: 'block', deviceMajor: 259, deviceMinor: 70_000 },
  { name: 'pipe', type: 'fifo' },
  ...Array.from({ length: 3000 }, (_, i) => ({ name: `many/name-of-file-${i}`, data: bytes(i % 9, i) })),
];
const upper: readonly TarEntry[] = [
  { name: 'etc/hostname', data: 'upper\n' },
  { name: 'etc/.wh.removed' },
  { name: 'lib/added', data: bytes(3_000_000, 4), xattrs: { 'user.a': 'b'.repeat(300) } },
];
const layers = [lower, upper];

const KINDS: readonly (readonly [string, ImageOptions])[] = [
  ['a journal', { journal: true }],
  ['a journal, compact', { journal: true, placement: 'compact' }],
  ['a journal and blocks of 1 KiB', { journal: true, blockSize: 1024 }],
  ['a journal of a given size in an image of a given size', { journal: 8 * MIB, size: 400 * MIB }],
  ['a journal and 64bit', { journal: true, features: ['64bit'], free: 300 * MIB }],
  ['ext2', { fs: 'ext2', free: 16 * MIB }],
  ['ext2 of blocks of 1 KiB', { fs: 'ext2', blockSize: 1024, free: 16 * MIB }],
  ['ext2 of blocks of 2 KiB, compact', { fs: 'ext2', blockSize: 2048, placement: 'compact', free: 16 * MIB }],
  ['ext2 of a given size', { fs: 'ext2', blockSize: 1024, size: 8 * 10 * MIB + 4096 }],
  ['ext2 with xattrs', { fs: 'ext2', features: ['ext_attr'], free: 300 * MIB }],
];

const withoutXattrs = ([, options]: (typeof KINDS)[number]): boolean =>
  options.fs === 'ext2' && !options.features?.includes('ext_attr');

describe.skipIf(!isReady)('an image with', () => {
  it.each(KINDS)('%s is what other readers say, and has the tree of every other', async (...kind) => {
    const [, options] = kind;
    const { path, image, warnings } = await buildCase(layers, { mtime: 'keep', ...options });
    e2fsck(path);
    expect(describeRead(openImageFile(path))).toEqual(describeMounted(mountImage(path)));
    const plain = await planCase(layers, { mtime: 'keep' });
    const xattrs = withoutXattrs(kind) ? [/usr\/lib\/added/] : [];
    const found = treeDifferences(plain.image, image);
    expect(found.filter((line) => !xattrs.some((expected) => expected.test(line)))).toEqual([]);
    expect(warnings).toHaveLength(xattrs.length);
  });

  it.each(KINDS)('%s is written to by a guest, by tune2fs and resize2fs as one of mke2fs is', async (_, options) => {
    const { path, directory } = await buildCase(layers, options);
    const grown = `${directory}/grown`;
    copyFileSync(path, grown);
    const mounted = mountImage(path, 'rw');
    const write = [
      'set -e; for i in $(seq 500); do echo $i > many/new-$i; done; rm many/name-of-file-1*; mkdir a b',
      'dd if=/dev/urandom of=a/large bs=1M count=6; cp a/large usr/lib/sparse; sync',
    ];
    run('sh', ['-c', `(${write.join('; ')}) 2>&1`], { cwd: mounted });
    const before = contentsOf(mounted);
    unmount(mounted);
    e2fsck(path);
    expect(contentsOf(mountImage(path))).toEqual(before);

    truncateSync(grown, 700 * MIB);
    for (const args of [
      ['resize2fs', grown],
      ['resize2fs', '-M', grown],
      ['tune2fs', '-L', 'other', '-c', '20', grown],
    ]) {
      run('e2fsck', ['-fp', grown]);
      run(args[0]!, args.slice(1));
      e2fsck(grown);
    }
    const [first, second] = [openImageFile(grown), (await buildCase(layers, options)).image];
    // resize2fs touches directories whose names' inodes it numbers anew.
    expect(
      treeDifferences(second, first).filter((line) => !/^changed (?:etc|many|usr|usr\/lib) mtime$/.test(line)),
    ).toEqual([]);
  });

  it.each(KINDS)('%s is repaired from every copy of its superblock', async (_, options) => {
    const { path, image, directory } = await buildCase(layers, options);
    const { backupGroups, blocksPerGroup, firstDataBlock, blockSize } = image.plan.geometry;
    for (const group of backupGroups.slice(0, 3)) {
      const copy = `${directory}/copy`;
      copyFileSync(path, copy);
      const damaged = openSync(copy, 'r+');
      writeSync(damaged, new Uint8Array(1024 + 2 * blockSize), 0, undefined, 1024);
      const block = String(firstDataBlock + group * blocksPerGroup);
      const args = ['-fy', '-b', block, '-B', String(blockSize), copy];
      expect(spawnSync('e2fsck', args).status).toBe(1);
      e2fsck(copy);
      expect(treeDifferences(image, openImageFile(copy))).toEqual([]);
    }
  });

  it('more than 2^32 blocks has descriptors of 64 bytes', async () => {
    const { image } = await planCase(layers, { size: 17 * 2 ** 40 });
    expect(image.plan.geometry.descriptorSize).toBe(64);
    const directory = mountMemory();
    writeSparse(image, `${directory}/image`);
    expect(run('dumpe2fs', ['-h', `${directory}/image`]).toString()).toMatch(/features: .*64bit/);
    const mounted = mountImage(`${directory}/image`);
    expect(describeMounted(mounted)).toEqual(describeRead(image));
    unmount(mounted);
  });
});

/** Every name and what it holds. */
const contentsOf = (directory: string): string[] =>
  walkMounted(directory)
    .map(({ path, content }) => `${path} ${content}`)
    .sort();

/** A file system whose files may be longer than those of ext4. */
function mountMemory(): string {
  const directory = scratch();
  run('mount', ['-t', 'tmpfs', 'none', directory]);
  onTestFinished(() => void run('umount', [directory]));
  return directory;
}

/** What dumpe2fs says of the whole filesystem, but where the image's own constants, sizes and journal features stand. */
const OURS =
  /^(?:Filesystem (?:UUID|flags|state)|Default mount options|Reserved block count|Overhead|Free |Inode count|Inodes per|Inode blocks|First inode|Lifetime|Last |Filesystem created|Mount count|Maximum mount|Directory Hash Seed|Checksum|Journal (?:features|checksum|start)|Check interval)/;

function facts(path: string): string[] {
  const lines = run('dumpe2fs', ['-h', path]).toString().split('\n');
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '' && !OURS.test(line));
}

describe.skipIf(!isReady)("mke2fs' image of the same kind", () => {
  const COMMON = 'filetype,sparse_super,large_file';
  const JOURNAL = `${COMMON},has_journal,ext_attr,resize_inode,dir_index,extent,flex_bg,huge_file,dir_nlink,extra_isize,metadata_csum,metadata_csum_seed`;

  // Sizes that leave no small last group, which mke2fs would leave out where we do not.
  it.each<[string, ImageOptions, string, string]>([
    ['a journal', { journal: true, size: 230 * MIB }, JOURNAL, '256'],
    ['a journal and 64bit', { journal: true, size: 1100 * MIB, features: ['64bit'] }, `${JOURNAL},64bit`, '256'],
    ['a journal and blocks of 1 KiB', { journal: true, size: 132 * MIB, blockSize: 1024 }, JOURNAL, '256'],
    ['ext2', { fs: 'ext2', size: 230 * MIB }, COMMON, '128'],
    ['ext2 of blocks of 1 KiB', { fs: 'ext2', size: 68 * MIB, blockSize: 1024 }, COMMON, '128'],
  ])('with %s says the same of itself', async (_, options, features, inodeSize) => {
    const { path, image, directory } = await buildCase(layers, options);
    const { blockSize, groups, inodesPerGroup } = image.plan.geometry;
    const twin = `${directory}/twin`;
    writeSync(openSync(twin, 'w'), '');
    truncateSync(twin, image.size);
    const inodes = String(groups * inodesPerGroup);
    const args = [
      '-q',
      '-O',
      `none,${features}`,
      '-I',
      inodeSize,
      '-b',
      String(blockSize),
      '-m',
      '0',
      '-N',
      inodes,
      twin,
    ];
    run('mke2fs', args);
    expect(facts(path)).toEqual(facts(twin));
  });
});

describe.skipIf(!isReady)('ext2 for systems that know nothing newer', () => {
  it('has no feature but those that NetBSD writes to, and is written to as ext2', async () => {
    const { path } = await buildCase(layers, { fs: 'ext2', free: 16 * MIB });
    const superblock = new DataView(new ArrayBuffer(1024));
    readSync(openSync(path, 'r'), superblock, 0, 1024, 1024);
    const [compat, incompat, roCompat] = [0x5c, 0x60, 0x64].map((offset) => superblock.getUint32(offset, true));
    expect([compat, incompat, roCompat]).toEqual([0, 0x2, 0x3]);
    expect(incompat! & ~0x42).toBe(0);
    expect(roCompat! & ~0xb).toBe(0);
    expect(superblock.getUint16(0x58, true)).toBe(128);
    expect(debugfs(path, 'stat /etc/hostname')).toMatch(/Generation: 1\b/);
    const mounted = mountImage(path, 'rw', 'ext2');
    run('sh', ['-c', 'echo more >> etc/hostname; mkdir new; cp usr/lib/added new; rm -r many; sync'], { cwd: mounted });
    unmount(mounted);
    e2fsck(path);
  });

  it('refuses what it cannot hold, and says what it leaves out', async () => {
    const refusal = async (layer: readonly TarEntry[], options: ImageOptions): Promise<unknown> =>
      planCase([layer], { fs: 'ext2', ...options }).then(
        () => 'planned',
        (error: unknown) => (error as { code: string }).code,
      );
    const sparse = (size: number): TarEntry => ({
      name: 'a',
      data: 'x',
      sparse: { form: '1.0', size, segments: [{ offset: 0, length: 1 }] },
    });
    expect(await refusal([sparse(17 * 2 ** 30)], { blockSize: 1024 })).toBe('limit-exceeded');
    expect(await refusal([sparse(15 * 2 ** 30)], { blockSize: 1024 })).toBe('planned');
    const directories = Array.from({ length: 32_000 }, (_, i) => ({ name: `d/${i}/` }));
    expect(await refusal(directories, {})).toBe('limit-exceeded');
    expect(await refusal([], { journal: true })).toBe('option-invalid');
    expect(await refusal([], { features: ['64bit'] })).toBe('option-invalid');
    expect(await refusal([{ name: 'a', xattrs: { 'user.a': bytes(5000, 1) } }], { features: ['ext_attr'] })).toBe(
      'limit-exceeded',
    );
    const { warnings } = await planCase([[{ name: 'a', mtime: 2 ** 32, xattrs: { 'user.a': 'b' } }]], {
      fs: 'ext2',
      mtime: 'keep',
    });
    expect(warnings.join('\n')).toMatch(/a time outside 1901-12-13 to 2038-01-19 is clamped, as ext2/);
    expect(warnings.join('\n')).toMatch(/layer 0, entry a: xattrs are left out/);
  });
});

describe.skipIf(!isReady)('the superblock', () => {
  it('has the mount options and the features that were asked for', async () => {
    const { path } = await buildCase(layers, { mountOptions: ['acl', 'user_xattr'], features: ['read-only'] });
    e2fsck(path);
    const printed = run('dumpe2fs', ['-h', path]).toString();
    expect(printed).toMatch(/Default mount options: +user_xattr acl\n/);
    expect(printed).toMatch(/features: .*read-only/);
    expect(() => run('touch', ['new'], { cwd: mountImage(path, 'rw') })).toThrow(/Read-only/);
  });
});
