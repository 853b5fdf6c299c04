import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../src/core/errors.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { surveyFilesystem } from '../../src/core/ext4/reader/survey.ts';
import type { ReadInode } from '../../src/core/ext4/reader/inode.ts';
import { EntryType } from '../../src/core/layer/entry.ts';
import { memoryDevice } from './memory-device.ts';
import { random } from './random.ts';
import { debugfs, run } from './tools.ts';

/** How much is read of one damaged image before it counts as read. */
const INODES_MAX = 5000;

/** The kinds of filesystem that are damaged; without checksums damage is met everywhere. */
export const FUZZED_SHAPES: readonly (readonly [name: string, options: readonly string[]])[] = [
  ['ext2', ['-t', 'ext2', '-I', '128']],
  ['ext3', ['-t', 'ext3', '-J', 'size=1']],
  ['ext4 without checksums', ['-t', 'ext4', '-O', '^metadata_csum,ea_inode', '-J', 'size=1']],
  ['ext4', ['-t', 'ext4', '-J', 'size=1']],
  ['ext4 with inline_data', ['-t', 'ext4', '-O', '^metadata_csum,^has_journal,inline_data', '-I', '256']],
];

/** A whole filesystem, and which of its bytes a reader of all of it asks for as metadata. */
export interface FuzzedImage {
  readonly bytes: Uint8Array;
  readonly blocks: readonly number[];
}

const BLOCK_SIZE = 1024;

/** A small filesystem of files, directories, links and a fragmented file, made in `directory`; a journal is not empty. */
export function makeFuzzedImage(directory: string, options: readonly string[]): FuzzedImage {
  const source = join(directory, 'source');
  mkdirSync(join(source, 'a/b'), { recursive: true });
  for (let i = 0; i < 120; i++) writeFileSync(join(source, `a/a-name-that-is-not-short-${i}`), 'x'.repeat(i * 7));
  writeFileSync(join(source, 'sparse'), '');
  truncateSync(join(source, 'sparse'), 9_000_000);
  writeFileSync(join(source, 'large'), Buffer.alloc(400_000, 7));
  const fragmented = Buffer.alloc(40 * BLOCK_SIZE);
  for (let i = 0; i < 40; i += 2) fragmented.fill(i, i * BLOCK_SIZE, (i + 1) * BLOCK_SIZE);
  writeFileSync(join(source, 'fragmented'), fragmented);
  symlinkSync('t'.repeat(300), join(source, 'long'));
  symlinkSync('a/b', join(source, 'short'));
  const path = join(directory, 'image');
  writeFileSync(path, '');
  truncateSync(path, 4 << 20);
  run('mke2fs', ['-q', '-F', '-b', String(BLOCK_SIZE), ...options, '-d', source, path]);
  const script = join(directory, 'script');
  const value = join(directory, 'value');
  writeFileSync(value, 'v'.repeat(900));
  const longValue = join(directory, 'long-value');
  writeFileSync(longValue, 'w'.repeat(5000));
  const commands = [`ea_set -f ${value} large user.long`, 'ea_set short user.short v', 'ea_set fragmented user.s v'];
  if (debugfs(path, 'features').includes('ea_inode')) commands.push(`ea_set -f ${longValue} sparse user.longer`);
  writeFileSync(script, commands.join('\n'));
  run('debugfs', ['-w', '-f', script, path]);
  if (debugfs(path, 'features').includes('has_journal')) writeLog(path, directory);
  const bytes = readFileSync(path);
  return { bytes, blocks: blocksRead(bytes) };
}

/** Puts a transaction into the journal that has the blocks of the root directory, of its inode and of another, and one that revokes. */
function writeLog(path: string, directory: string): void {
  const script = join(directory, 'log');
  const data = join(directory, 'data');
  const root = Number(/\(0\):(\d+)/.exec(debugfs(path, 'stat /'))?.[1]);
  writeFileSync(data, Buffer.from(run('dd', [`if=${path}`, 'bs=1024', `skip=${root}`, 'count=1', 'status=none'])));
  const log = [`jo`, `jw -b ${root} ${data}`, 'jc', 'jo', `jw -b ${root},2000 ${data} ${data}`, 'jw -r 2000', 'jc'];
  writeFileSync(script, log.join('\n'));
  run('debugfs', ['-w', '-f', script, path]);
}

function blocksRead(bytes: Uint8Array): number[] {
  const found = new Set<number>();
  const device = memoryDevice(bytes);
  readAll({
    size: device.size,
    read(offset, target) {
      if (target.length <= BLOCK_SIZE) found.add(Math.floor(offset / BLOCK_SIZE));
      device.read(offset, target);
    },
  });
  return [...found];
}

/** Numbers that are too small, too large, or nearly right. */
const TELLING = [0, 1, 2, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Damages an image in place, the same for the same `seed`, until what is returned is called. Its size may shrink. */
export function damage({ bytes, blocks }: FuzzedImage, seed: number): { damaged: Uint8Array; undo: () => void } {
  const next = random((seed * 2_654_435_761) >>> 0 || 1);
  for (let i = 0; i < 4; i++) next(2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const undone: (readonly [at: number, before: number])[] = [];
  const place = (): number => blocks[next(blocks.length)]! * BLOCK_SIZE + 4 * next(BLOCK_SIZE / 4);
  const telling = (): number => (next(3) === 0 ? next(0x1_0000_0000) : TELLING[next(TELLING.length)]!);
  for (let changes = 1 + next(5); changes > 0; changes--) {
    let at = place();
    // Most words are zeros that nobody looks at.
    for (let tries = 0; tries < 8 && view.getUint32(at, true) === 0; tries++) at = place();
    const before = view.getUint32(at, true);
    undone.push([at, before]);
    const kind = next(5);
    if (kind === 0) view.setUint8(at + next(4), next(256));
    else if (kind === 1) view.setUint16(at + 2 * next(2), telling(), true);
    else if (kind === 2) view.setUint32(at, telling(), true);
    else if (kind === 3) view.setUint32(at, before + next(5) - 2, true);
    else view.setUint32(at, view.getUint32(place(), true), true);
  }
  const damaged = next(16) === 0 ? bytes.subarray(0, next(bytes.length)) : bytes;
  return { damaged, undo: () => undone.toReversed().forEach(([at, before]) => view.setUint32(at, before, true)) };
}

/** Reads all that there is to read; whatever is wrong has to be told by an error about the image. */
export function readTolerantly(bytes: Uint8Array): void {
  tolerant(() => readAll(memoryDevice(bytes)));
}

function readAll(device: ReturnType<typeof memoryDevice>): void {
  const filesystem = new Filesystem(device);
  const seen = new Set<number>();
  const pending: ReadInode[] = [filesystem.root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const names = filesystem.names(directory);
    tolerant(() => {
      for (const { ino } of names) {
        if (seen.has(ino) || seen.size > INODES_MAX) continue;
        seen.add(ino);
        tolerant(() => readOne(filesystem, filesystem.inode(ino), pending));
      }
    });
  }
  filesystem.resolve('short/../a-name-that-is-not-short-7');
  surveyFilesystem(filesystem);
}

function readOne(filesystem: Filesystem, inode: ReadInode, pending: ReadInode[]): void {
  tolerant(() => filesystem.xattrs(inode));
  if (inode.type === EntryType.directory) pending.push(inode);
  else if (inode.type === EntryType.symlink) filesystem.symlinkTarget(inode);
  else if (inode.type === EntryType.file) {
    filesystem.readFile(inode, 0, new Uint8Array(4096));
    for (const _ of filesystem.runs(inode));
  }
}

function tolerant(work: () => void): void {
  try {
    work();
  } catch (error) {
    const isTold = error instanceof ImageError && /^image-(corrupt|unsupported)$/.test(error.code);
    if (!isTold || error.message.includes('\n')) throw error;
  }
}
