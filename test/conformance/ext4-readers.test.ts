import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOfImage, type ImageCase, buildCase } from '../helpers/image-case.ts';
import { mountImage, walkMounted } from '../helpers/mount.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'root');
const hasGrub = requireTools('grub-fstest');
const hasSleuthKit = requireTools('fls', 'icat');

/** By path: a file's length and SHA-256, a symlink's target, `directory`. */
type Names = Readonly<Record<string, string>>;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = (bytes: Uint8Array): string => `${bytes.length} ${sha256(bytes)}`;
const text = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 250) + seed) & 0xff);

const segments = Array.from({ length: 400 }, (_, i) => ({ offset: 9000 * i + 100, length: 1000 }));
const sparseData = text(1000 * segments.length, 3);

const lower: readonly TarEntry[] = [
  { name: 'etc/hostname', data: 'lower\n' },
  { name: 'etc/removed', data: text(50_000, 1) },
  { name: 'usr/lib/big', data: text(3_000_000, 2) },
  { name: 'usr/lib/empty' },
  { name: 'usr/lib/sparse', data: sparseData, sparse: { form: '1.0', size: 3_700_000, segments } },
  { name: 'lib', type: 'symlink', linkName: 'usr/lib' },
  { name: 'long', type: 'symlink', linkName: `/${'t'.repeat(300)}` },
  { name: 'linked', type: 'hardlink', linkName: 'usr/lib/big' },
  ...Array.from({ length: 3000 }, (_, i) => ({
    name: `many/name-of-file-${i}`,
    data: i % 100 === 0 ? text(i, i) : '',
  })),
];
const upper: readonly TarEntry[] = [
  { name: 'etc/hostname', data: 'upper\n' },
  { name: 'etc/.wh.removed' },
  { name: 'lib/added', data: text(5000, 4), xattrs: { 'user.a': 'b'.repeat(300) } },
];

/** What the layers say, worked out by hand. */
function expectedNames(): Names {
  const sparse = new Uint8Array(3_700_000);
  segments.forEach(({ offset, length }, i) => sparse.set(sparseData.subarray(1000 * i, 1000 * i + length), offset));
  const names: Record<string, string> = {
    etc: 'directory',
    'etc/hostname': fileOf(Buffer.from('upper\n')),
    usr: 'directory',
    'usr/lib': 'directory',
    'usr/lib/big': fileOf(text(3_000_000, 2)),
    'usr/lib/empty': fileOf(Buffer.of()),
    'usr/lib/sparse': fileOf(sparse),
    'usr/lib/added': fileOf(text(5000, 4)),
    lib: 'usr/lib',
    long: `/${'t'.repeat(300)}`,
    linked: fileOf(text(3_000_000, 2)),
    many: 'directory',
  };
  for (let i = 0; i < 3000; i++) names[`many/name-of-file-${i}`] = fileOf(i % 100 === 0 ? text(i, i) : Buffer.of());
  return names;
}

function namesBelow(directory: string): Names {
  const seen = walkMounted(directory).map(({ path, stat, content }) => [
    path,
    stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? content : `${stat.size} ${content}`,
  ]);
  return Object.fromEntries(seen);
}

/** The image in memory as the disk that libext2fs in WebAssembly reads and, when it notes access times, writes. */
function memoryDisk(bytes: Uint8Array) {
  return {
    read: (buffer: Uint8Array, at: number, length: number, offset: number) => {
      buffer.set(bytes.subarray(offset, offset + length), at);
      return Promise.resolve({ bytesRead: length, buffer });
    },
    write: (buffer: Uint8Array, at: number, length: number, offset: number) => {
      bytes.set(buffer.subarray(at, at + length), offset);
      return Promise.resolve({ bytesWritten: length, buffer });
    },
    discard: () => Promise.resolve(),
    flush: () => Promise.resolve(),
  };
}

interface Ext2fs {
  readdir(path: string): Promise<string[]>;
  lstat(path: string): Promise<{ size: number; isDirectory(): boolean; isSymbolicLink(): boolean }>;
  readlink(path: string): Promise<string>;
  open(path: string, flags: 'r'): Promise<Ext2fsFile>;
}

interface Ext2fsFile {
  read(buffer: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** Not by readFile, which takes every file for UTF-8. */
async function readByLibext2fs(fs: Ext2fs, path: string, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  const file = await fs.open(path, 'r');
  const { bytesRead } = await file.read(bytes, 0, size, 0);
  await file.close();
  return bytes.subarray(0, bytesRead);
}

async function namesByLibext2fs(bytes: Uint8Array): Promise<Names> {
  // @ts-expect-error the package has no types
  const { default: ext2fs } = await import('ext2fs');
  const names: Record<string, string> = {};
  await ext2fs.withMountedDisk(memoryDisk(bytes), 0, async ({ promises: fs }: { promises: Ext2fs }) => {
    const pending = [''];
    for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
      for (const name of await fs.readdir(`/${parent}`)) {
        const path = parent === '' ? name : `${parent}/${name}`;
        if (name === '.' || name === '..' || path === 'lost+found') continue;
        const stat = await fs.lstat(`/${path}`);
        if (stat.isDirectory()) pending.push(path);
        names[path] = stat.isDirectory()
          ? 'directory'
          : stat.isSymbolicLink()
            ? await fs.readlink(`/${path}`)
            : fileOf(await readByLibext2fs(fs, `/${path}`, stat.size));
      }
    }
  });
  return names;
}

/** What The Sleuth Kit lists: by path its inode number and type. */
function namesBySleuthKit(path: string): Map<string, { ino: string; type: string }> {
  const lines = run('fls', ['-rp', path]).toString().trim().split('\n');
  const rows = lines.map((line) => /^(.)\/. (\d+):\t(.*)$/.exec(line)).filter((row) => row !== null);
  return new Map(rows.map(([, type, ino, name]) => [name!, { ino: ino!, type: type! }]));
}

function build(options: ImageOptions): Promise<ImageCase & { path: string }> {
  return buildCase([lower, upper], options);
}

describe.skipIf(!isReady).each<readonly [string, ImageOptions]>([
  ['blocks of 1024', { blockSize: 1024 }],
  ['blocks of 4096', {}],
  ['a journal and blocks of 1024', { journal: true, blockSize: 1024 }],
  ['a journal and 64bit', { journal: true, features: ['64bit'] }],
  ['ext2 and blocks of 1024', { fs: 'ext2', blockSize: 1024 }],
  ['ext2', { fs: 'ext2' }],
])('an image with %s is read alike by', (_, options) => {
  const expected = expectedNames();
  const someFiles = [
    'etc/hostname',
    'usr/lib/big',
    'usr/lib/sparse',
    'usr/lib/added',
    'linked',
    'many/name-of-file-2900',
  ];

  it('the kernel', async () => {
    const { path } = await build(options);
    e2fsck(path);
    expect(namesBelow(mountImage(path))).toEqual(expected);
  });

  it('debugfs', async () => {
    const { path, directory } = await build(options);
    const dump = join(directory, 'dump');
    mkdirSync(dump);
    debugfs(path, `rdump / ${dump}`);
    expect(namesBelow(dump)).toEqual(expected);
  });

  it('libext2fs in WebAssembly', async () => {
    const { image } = await build(options);
    expect(await namesByLibext2fs(bytesOfImage(image))).toEqual(expected);
  });

  it.skipIf(!hasGrub)('GRUB', async () => {
    const { path, directory } = await build(options);
    const list = (folder: string): string[] =>
      run('grub-fstest', [path, 'ls', `(loop0)/${folder}`])
        .toString()
        .split(/\s+/)
        .filter((name) => name !== '');
    expect(list('').sort()).toEqual(['etc/', 'lib', 'linked', 'long', 'lost+found/', 'many/', 'usr/']);
    expect(list('many/')).toHaveLength(3000);
    for (const name of someFiles) {
      const copy = join(directory, 'copy');
      run('grub-fstest', [path, 'cp', `(loop0)/${name}`, copy]);
      expect([name, fileOf(run('cat', [copy]))]).toEqual([name, expected[name]]);
    }
  });

  it.skipIf(!hasSleuthKit)('The Sleuth Kit', async () => {
    const { path } = await build(options);
    const seen = namesBySleuthKit(path);
    const types = Object.fromEntries(Array.from(seen, ([name, { type }]) => [name, type]));
    expect(types).toMatchObject(
      Object.fromEntries(
        Object.entries(expected).map(([name, what]) => [
          name,
          what === 'directory' ? 'd' : /^\d/.test(what) ? 'r' : 'l',
        ]),
      ),
    );
    // icat stops at holes in extent trees, whoever wrote them.
    for (const name of someFiles.filter((file) => file !== 'usr/lib/sparse'))
      expect([name, fileOf(run('icat', [path, seen.get(name)!.ino]))]).toEqual([name, expected[name]]);
  });
});
