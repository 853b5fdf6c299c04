import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import type { ReadInode } from '../../src/core/ext4/reader/inode.ts';
import { EntryType } from '../../src/core/layer/entry.ts';
import { random } from '../helpers/random.ts';
import { memoryDevice } from '../helpers/read-tree.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const hasTools = requireTools('mke2fs');
const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 400);
/** One damaged image takes no longer, on a machine that does much else. */
const LIMIT_MILLISECONDS = 5000;
/** How much is read of one damaged image before it counts as read. */
const INODES_MAX = 5000;

/** A small filesystem of files, directories, links and a fragmented file; without checksums, so that damage is met everywhere. */
function makeImage(options: readonly string[]): Uint8Array {
  const directory = scratch();
  const source = join(directory, 'source');
  mkdirSync(join(source, 'a/b'), { recursive: true });
  for (let i = 0; i < 120; i++) writeFileSync(join(source, `a/a-name-that-is-not-short-${i}`), 'x'.repeat(i * 7));
  writeFileSync(join(source, 'sparse'), '');
  truncateSync(join(source, 'sparse'), 9_000_000);
  writeFileSync(join(source, 'large'), Buffer.alloc(400_000, 7));
  symlinkSync('t'.repeat(300), join(source, 'long'));
  symlinkSync('a/b', join(source, 'short'));
  const path = join(directory, 'image');
  writeFileSync(path, '');
  truncateSync(path, 4 << 20);
  run('mke2fs', ['-q', '-F', '-b', '1024', ...options, '-d', source, path]);
  return readFileSync(path);
}

/** Reads all that there is to read. */
function readAll(bytes: Uint8Array): void {
  const filesystem = new Filesystem(memoryDevice(bytes));
  const seen = new Set<number>();
  const pending: ReadInode[] = [filesystem.root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const { ino } of filesystem.names(directory)) {
      if (seen.has(ino) || seen.size > INODES_MAX) continue;
      seen.add(ino);
      tolerant(() => readOne(filesystem, filesystem.inode(ino), pending));
    }
  }
}

function readOne(filesystem: Filesystem, inode: ReadInode, pending: ReadInode[]): void {
  filesystem.xattrs(inode);
  if (inode.type === EntryType.directory) pending.push(inode);
  else if (inode.type === EntryType.symlink) filesystem.symlinkTarget(inode);
  else if (inode.type === EntryType.file) {
    filesystem.readFile(inode, 0, new Uint8Array(4096));
    for (const _ of filesystem.runs(inode));
  }
}

/** Whether work ends without an error other than one about the image. */
function tolerant(work: () => void): void {
  try {
    work();
  } catch (error) {
    const isTold = error instanceof ImageError && /^image-(corrupt|unsupported)$/.test(error.code);
    if (!isTold || error.message.includes('\n')) throw error;
  }
}

describe.skipIf(!hasTools)('the ext4 reader', () => {
  it.each([
    ['ext2', ['-t', 'ext2']],
    ['ext3', ['-t', 'ext3', '-J', 'size=1']],
    ['ext4 without checksums', ['-t', 'ext4', '-O', '^metadata_csum,^has_journal']],
    ['ext4', ['-t', 'ext4', '-O', '^has_journal']],
    ['ext4 with inline_data', ['-t', 'ext4', '-O', '^metadata_csum,^has_journal,inline_data', '-I', '256']],
  ])('reads damaged images of %s, or says what is wrong', (_, options) => {
    const whole = makeImage(options);
    readAll(whole);
    const next = random(7);
    for (let i = 0; i < RUNS; i++) {
      const bytes = whole.slice();
      const changes = 1 + next(6);
      // The first quarter is where the metadata is.
      for (let change = 0; change < changes; change++) bytes[next(bytes.length >> (change % 4))] = next(256);
      if (i % 5 === 0) new DataView(bytes.buffer).setUint32(4 * next(bytes.length >> 4), 0xffff_ffff, true);
      const cut = i % 11 === 0 ? bytes.subarray(0, next(bytes.length)) : bytes;
      const start = performance.now();
      tolerant(() => readAll(cut));
      expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
    }
  });
});
