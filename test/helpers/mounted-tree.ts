import {
  type BigIntStats,
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteString, byteString } from '../../src/core/bytes.ts';
import { hostPath } from './mount.ts';
import { run } from './tools.ts';

/** Mounts an image read-only for as long as `use` runs, in tests that mount many. */
export function withMounted(image: string, use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-mount-'));
  try {
    run('mount', ['-t', 'ext4', '-o', 'loop,ro', image, directory]);
    try {
      use(directory);
    } finally {
      run('umount', [directory]);
    }
  } finally {
    rmdirSync(directory);
  }
}

/** What a kernel shows of one path. Times are in nanoseconds since 1970. */
export interface SeenNode {
  readonly stats: BigIntStats;
  readonly target: ByteString;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

/** Everything below a directory by path, which is a byte string; the directory itself is `''`. */
export function seenTree(directory: string): Map<ByteString, SeenNode> {
  const xattrs = xattrsBelow(directory);
  const tree = new Map<ByteString, SeenNode>();
  const visit = (path: ByteString): void => {
    const file = hostPath(directory, path);
    const stats = lstatSync(file, { bigint: true });
    const target = stats.isSymbolicLink() ? byteString(readlinkSync(file, { encoding: 'buffer' })) : '';
    tree.set(path, { stats, target, xattrs: xattrs.get(path) ?? new Map() });
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(file, { encoding: 'buffer' })) {
      visit(path === '' ? byteString(name) : `${path}/${byteString(name)}`);
    }
  };
  visit('');
  return tree;
}

/** Bytes of a file; fewer at its end. */
export function readAt(file: Buffer, offset: number, length: number): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
  } finally {
    closeSync(descriptor);
  }
}

/** Where a file has blocks: ranges of bytes, joined and in order. */
export function extentsOf(file: string): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const text = run('filefrag', ['-b1024', '-v', '--', file]).toString('latin1');
  for (const [, first, last] of text.matchAll(/^ *\d+: +(\d+)\.\. +(\d+):/gm)) {
    const [start, end] = [Number(first) * 1024, (Number(last) + 1) * 1024];
    const previous = ranges.at(-1);
    if (previous?.end === start) previous.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

function xattrsBelow(directory: string): Map<ByteString, Map<ByteString, Uint8Array>> {
  const text = byteString(run('getfattr', ['-Rhd', '-m', '-', '-e', 'hex', '.'], { cwd: directory }));
  const all = new Map<ByteString, Map<ByteString, Uint8Array>>();
  for (const part of text.split('\n\n').filter(Boolean)) {
    const [first = '', ...lines] = part.split('\n');
    const path = unquote(first.replace('# file: ', '')).replace(/^\.\/?/, '');
    const pairs = lines.filter(Boolean).map((line): [ByteString, Uint8Array] => {
      const [name = '', value = ''] = line.split(/=0x/);
      return [unquote(name.replace(/=$/, '')), Uint8Array.from(Buffer.from(value, 'hex'))];
    });
    all.set(path, new Map(pairs));
  }
  return all;
}

/** getfattr writes what is not printable as three octal digits. */
function unquote(text: ByteString): ByteString {
  return text.replace(/\\([0-7]{3}|\\)/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
}
