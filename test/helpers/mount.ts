import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ByteString, byteString, bytesOf } from '../../src/core/bytes.ts';
import { scratch } from './scratch.ts';
import { run } from './tools.ts';

/** Mounts an image through a loop device until the test ends, read-only unless asked otherwise; returns the directory. */
export function mountImage(path: string, mode: 'ro' | 'rw' = 'ro', type: 'ext4' | 'ext2' = 'ext4'): string {
  const directory = join(scratch(), 'mnt');
  mkdirSync(directory);
  run('mount', ['-t', type, '-o', `loop,${mode}`, path, directory]);
  let mounted = true;
  onTestFinished(() => {
    if (mounted) run('umount', [directory]);
  });
  unmounts.set(directory, () => {
    run('umount', [directory]);
    mounted = false;
  });
  return directory;
}

const unmounts = new Map<string, () => void>();

/** Unmounts what `mountImage` mounted before the test ends. */
export function unmount(directory: string): void {
  unmounts.get(directory)?.();
}

/** One name of a mounted tree. */
export interface MountedName {
  readonly path: ByteString;
  readonly stat: BigIntStats;
  /** A file's SHA-256 in hexadecimal, a symlink's text; '' for anything else. */
  readonly content: ByteString;
}

/** Every name below `directory` but lost+found, in no particular order. */
export function walkMounted(directory: string): MountedName[] {
  const found: MountedName[] = [];
  const pending: ByteString[] = [''];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const name of readdirSync(hostPath(directory, parent), { encoding: 'buffer' })) {
      const path = parent === '' ? byteString(name) : `${parent}/${byteString(name)}`;
      if (path === 'lost+found') continue;
      const at = hostPath(directory, path);
      const stat = lstatSync(at, { bigint: true });
      if (stat.isDirectory()) pending.push(path);
      found.push({ path, stat, content: contentOf(at, stat) });
    }
  }
  return found;
}

/** The host's path of a path of bytes below a directory. */
export function hostPath(directory: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), bytesOf(path)]);
}

function contentOf(at: Buffer, stat: BigIntStats): ByteString {
  if (stat.isSymbolicLink()) return byteString(readlinkSync(at, { encoding: 'buffer' }));
  return stat.isFile() ? sha256OfFile(at) : '';
}

function sha256OfFile(at: Buffer): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  const fd = openSync(at, 'r');
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
      hash.update(buffer.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** The xattrs of every name below a mounted directory that has some, as getfattr sees them, values in hexadecimal. */
export function xattrsOfMounted(directory: string): Map<ByteString, Record<ByteString, string>> {
  const found = new Map<ByteString, Record<ByteString, string>>();
  const dump = run('getfattr', ['-R', '-h', '-P', '-d', '-m', '-', '-e', 'hex', '.'], { cwd: directory });
  for (const part of dump.toString('latin1').split('\n\n')) {
    const [header = '', ...lines] = part.split('\n');
    if (!header.startsWith('# file: ')) continue;
    const pairs = lines.map((line) => /^(.*?)(?:=(?:0x)?([0-9a-f]*))?$/.exec(line) ?? []);
    found.set(
      unescape(header.slice(8)),
      Object.fromEntries(pairs.map(([, name = '', value = '']) => [unescape(name), value])),
    );
  }
  return found;
}

/** Undoes the `\ooo` of getfattr. */
function unescape(text: string): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
