import {
  closeSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JBD2_MAGIC_NUMBER } from '../../src/core/ext4/format/journal.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { openImageFile } from '../../src/image/file-image.ts';
import { mountImage, unmount } from '../helpers/mount.ts';
import { describeMounted, describeRead } from '../helpers/read-tree.ts';
import { scratch } from '../helpers/scratch.ts';
import { debugfs, isThere, requireTools, run, skipped } from '../helpers/tools.ts';

const hasTools = requireTools('mke2fs', 'debugfs', 'getfattr', 'setfattr', 'setfacl', 'tune2fs');
const cannotMount = process.getuid?.() !== 0 || !isThere('losetup', ['--find']);
const isSkipped = !hasTools || skipped(cannotMount, 'mounting needs root and a loop device');

/** Puts something of everything into the mounted directory `$1`. */
const FILL = `
set -e
cd "$1"
mkdir -p dir/deep many links
printf hello > dir/small
head -c 70000 /dev/urandom > dir/medium
head -c 200 /dev/urandom > dir/deep/inline
: > empty
ln -s small dir/short
ln -s "$(printf 'x%.0s' $(seq 100))" dir/long
ln -s "$(printf 'y%.0s' $(seq 900))" dir/longest
ln dir/small links/hard
mknod null c 1 3
mknod big b 300 70000
mkfifo pipe
truncate -s 200M sparse
printf end | dd of=sparse bs=1 seek=150000000 conv=notrunc status=none
fallocate -l 1M unwritten 2>/dev/null || head -c 1M /dev/zero > unwritten
for i in $(seq 1 1500); do : > "many/name-of-a-file-that-is-long-enough-$i"; done
rm many/*-1?5
touch -d '2040-01-02 03:04:05.678901234' empty || touch -d '2030-01-02 03:04:05' empty
touch -d '1960-01-02' links
chown 70000:80000 dir/medium
chmod 4711 dir/medium
printf x > "$(printf 'bytes-\\377\\376')"
setfattr -n user.small -v value dir/small
setfattr -n user.large -v "$(head -c 700 /dev/zero | tr '\\0' v)" dir/medium
setfattr -n trusted.t -v t dir
setfacl -m u:5:rw,g:6:r dir/medium
setfacl -d -m u:7:rwx dir/deep
`;

/** Blocks with holes between them: more than one node of an extent tree has room for. */
function writeHoles(path: string): void {
  const fd = openSync(path, 'w');
  for (let i = 1; i < 800; i += 2) writeSync(fd, Buffer.alloc(4096, i), 0, 4096, 4096 * i);
  closeSync(fd);
}

const SHAPES: readonly (readonly [name: string, size: string, options: readonly string[]])[] = [
  ['ext4', '64M', ['-t', 'ext4']],
  ['ext4 of 1 KiB blocks', '64M', ['-t', 'ext4', '-b', '1024']],
  ['ext4 of 2 KiB blocks without metadata_csum', '64M', ['-t', 'ext4', '-b', '2048', '-O', '^metadata_csum']],
  ['ext4 without 64bit, with uninit_bg', '64M', ['-t', 'ext4', '-O', '^64bit,^metadata_csum,uninit_bg']],
  ['ext4 with meta_bg', '300M', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode']],
  ['ext4 with inline_data', '64M', ['-t', 'ext4', '-O', 'inline_data', '-I', '512']],
  ['ext4 with bigalloc', '128M', ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536']],
  ['ext4 with ea_inode and large_dir', '64M', ['-t', 'ext4', '-O', 'ea_inode,large_dir']],
  ['ext3', '64M', ['-t', 'ext3']],
  ['ext2 of small inodes', '64M', ['-t', 'ext2', '-I', '128']],
  ['ext2 of 1 KiB blocks', '64M', ['-t', 'ext2', '-b', '1024']],
];

/** What not every kernel mounts. */
const UNMOUNTED: readonly (readonly [name: string, options: readonly string[]])[] = [
  ['blocks of 64 KiB', ['-b', '65536']],
  ['blocks of 64 KiB without metadata_csum', ['-b', '65536', '-O', '^metadata_csum']],
  ['names of any case', ['-O', 'casefold', '-E', 'encoding=utf8']],
  ['clusters of 1 KiB blocks with meta_bg', ['-b', '1024', '-O', 'bigalloc,^resize_inode,meta_bg', '-C', '16384']],
  ['backups in every group', ['-b', '1024', '-O', 'meta_bg,^resize_inode,^sparse_super']],
];

function makeImage(size: string, options: readonly string[]): string {
  const path = join(scratch(), 'image');
  writeFileSync(path, '');
  const [, count = '', unit = ''] = /^(\d+)([MG])$/.exec(size) ?? [];
  truncateSync(path, Number(count) * (unit === 'G' ? 2 ** 30 : 2 ** 20));
  run('mke2fs', ['-q', '-F', ...options, path]);
  return path;
}

/** What debugfs says of the log. */
const journalOf = (path: string): string => debugfs(path, 'logdump -a');

function readImage(path: string): string[] {
  const image = openImageFile(path);
  try {
    return describeRead(image);
  } finally {
    image.close();
  }
}

const FAST_COMMITS =
  'ImageError: a journal with fast commits that were not replayed; e2fsck -fy or a mount replays them';

/** What an image holds, or why it is not read. */
function outcomeOf(path: string): string[] | string {
  try {
    return readImage(path);
  } catch (error) {
    return String(error);
  }
}

describe.skipIf(isSkipped)('the reader of images that others made', () => {
  it.each(SHAPES)('sees in %s what the kernel shows', (_, size, options) => {
    const path = makeImage(size, options);
    const mounted = mountImage(path, 'rw');
    run('sh', ['-c', FILL, 'sh', mounted]);
    writeHoles(join(mounted, 'holes'));
    if (options.includes('ea_inode,large_dir')) {
      writeFileSync(join(mounted, '../value'), 'v'.repeat(20_000));
      run('sh', [
        '-c',
        'setfattr -n user.ea_inode -v "$(cat "$1")" "$2"',
        'sh',
        join(mounted, '../value'),
        join(mounted, 'dir/small'),
      ]);
    }
    const expected = describeMounted(mounted);
    unmount(mounted);
    expect(readImage(path)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(1400);
  });

  it.each(UNMOUNTED)('sees in %s what was put there', (_, options) => {
    const source = join(scratch(), 'source');
    mkdirSync(join(source, 'many'), { recursive: true });
    const names = Array.from({ length: 900 }, (_name, i) =>
      join(source, `many/name-that-takes-room-in-its-directory-${i}`),
    );
    for (const name of names) writeFileSync(name, '');
    writeFileSync(join(source, 'data'), Buffer.alloc(300_000, 'data'));
    symlinkSync('t'.repeat(200), join(source, 'symlink'));
    for (const name of [...names, 'data', 'symlink']) lutimesSync(resolve(source, name), 1e9, 1e9);
    const path = makeImage('300M', ['-t', 'ext4', ...options, '-d', source]);
    // Numbers of inodes are the filesystem's own, links of directories and their times as well.
    const files = (lines: string[]): string[] =>
      lines.filter((line) => !line.startsWith('many ')).map((line) => line.replace(/ \d+/, ''));
    expect(files(readImage(path))).toEqual(files(describeMounted(source)));
  });

  it('reads a journal that was not emptied, as recovery would write it', () => {
    const path = makeImage('64M', ['-t', 'ext4']);
    const mounted = mountImage(path, 'rw');
    run('sh', ['-c', FILL, 'sh', mounted]);
    run('sync', ['-f', mounted]);
    // New blocks, and blocks of directories that are gone and revoked, in transactions after the first.
    run('sh', [
      '-c',
      'cd "$1" && rm -r many && mkdir again && touch again/new && mv dir/small again && sync -f .',
      'sh',
      mounted,
    ]);
    const copy = join(scratch(), 'copy');
    copyFileSync(path, copy);
    const image = openImageFile(copy);
    const filesystem = new Filesystem(image);
    expect(filesystem.isRecovered).toBe(true);
    const seen = describeRead(image);
    image.close();
    expect(seen).toEqual(describeMounted(mounted));
    run('sh', ['-c', 'e2fsck -fy "$1"; test $? -le 1', 'sh', copy]);
    expect(readImage(copy)).toEqual(seen);
  });

  it('reads files whose data is in the journal, and what the journal has to escape', () => {
    const path = makeImage('64M', ['-t', 'ext4']);
    run('tune2fs', ['-o', 'journal_data', path]);
    const mounted = mountImage(path, 'rw');
    // A block that begins as those of the journal do.
    const data = Buffer.alloc(3 * 4096, 7);
    data.writeUInt32BE(JBD2_MAGIC_NUMBER, 4096);
    writeFileSync(join(mounted, 'file'), data);
    run('sync', ['-f', mounted]);
    const copy = join(scratch(), 'copy');
    copyFileSync(path, copy);
    expect(readImage(copy)).toEqual(describeMounted(mounted));
    expect(journalOf(copy)).toMatch(/flags 0x[13579b]\b/);
  });

  it('does not leave out fast commits', () => {
    const path = makeImage('64M', ['-t', 'ext4', '-O', 'fast_commit']);
    const mounted = mountImage(path, 'rw');
    writeFileSync(join(mounted, 'file'), 'data');
    run('sync', ['-f', mounted]);
    writeFileSync(join(mounted, 'other'), 'data');
    run('sync', [join(mounted, 'other')]);
    const copy = join(scratch(), 'copy');
    copyFileSync(path, copy);
    // A kernel without them commits the file as ever.
    const hasFastCommits = journalOf(copy).includes('tag INODE');
    const expected = hasFastCommits ? FAST_COMMITS : describeMounted(mounted);
    expect(outcomeOf(copy)).toEqual(expected);
  });

  it('obeys what the journal revokes, whatever its checksums', () => {
    for (const features of ['^metadata_csum,^64bit', 'metadata_csum,64bit', 'metadata_csum,^64bit']) {
      const path = makeImage('32M', ['-t', 'ext4', '-b', '1024', '-O', features]);
      run('debugfs', ['-w', '-R', 'mkdir d', path]);
      const block = Number(/\(0\):(\d+)/.exec(debugfs(path, 'stat d'))?.[1]);
      const data = join(scratch(), 'data');
      writeFileSync(data, 'x'.repeat(1024));
      const script = join(scratch(), 'script');
      // The block of the directory is overwritten in the log, then revoked.
      writeFileSync(script, `jo\njw -b ${block} ${data}\njw -r ${block}\njc\n`);
      run('debugfs', ['-w', '-f', script, path]);
      expect(journalOf(path)).toContain('Found expected sequence');
      const seen = readImage(path);
      run('sh', ['-c', 'e2fsck -fy "$1"; test $? -le 1', 'sh', path]);
      expect(readImage(path)).toEqual(seen);
    }
  });
});
