import { type ByteString, displayName } from '../../src/core/bytes.ts';
import { type ModelNode, walkModel } from './model.ts';
import { hostPath } from './mount.ts';
import { extentsOf, readAt, seenTree, type SeenNode } from './mounted-tree.ts';

export const FORMAT_OF_KIND: Readonly<Record<ModelNode['kind'], number>> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
};

/** What ext4's inodes can hold, in nanoseconds since 1970: 1901-12-13 to 2446-05-10. */
const TIME_MIN = -(2n ** 31n) * 1_000_000_000n;
const TIME_MAX = (2n ** 34n - 2n ** 31n - 1n) * 1_000_000_000n;

/** A file up to this length is compared whole, a longer one where it has blocks. */
export const WHOLE_MAX = 1 << 20;

/** Where a mounted image is not what the model says, a line each; nothing when it is. */
export function differences(root: ModelNode, mounted: string, blockSize: number): string[] {
  const seen = seenTree(mounted);
  const expected = new Map(walkModel(root));
  const found: string[] = [];
  for (const path of seen.keys()) {
    if (!expected.has(path) && path !== 'lost+found') found.push(`${displayName(path)} is there`);
  }
  const names = namesByNode(expected);
  for (const [path, node] of expected) {
    const other = seen.get(path);
    if (other === undefined) found.push(`${displayName(path)} is missing`);
    else {
      const lines = [...compare(node, other, linksOf(node, node === root, names.get(node)!.length))];
      if (node.kind === 'file' && lines.length === 0)
        lines.push(...compareContent(node, other, mounted, path, blockSize));
      found.push(...lines.map((line) => `${displayName(path)}: ${line}`));
    }
  }
  for (const [node, paths] of names) {
    const inodes = new Set(paths.map((path) => seen.get(path)?.stats.ino));
    if (inodes.size > 1) found.push(`${node.kind} ${paths.map((path) => displayName(path)).join(', ')}: not one inode`);
  }
  return found;
}

export function namesByNode(tree: ReadonlyMap<ByteString, ModelNode>): Map<ModelNode, ByteString[]> {
  const names = new Map<ModelNode, ByteString[]>();
  for (const [path, node] of tree) names.set(node, [...(names.get(node) ?? []), path]);
  return names;
}

function* compare(node: ModelNode, { stats, target, xattrs }: SeenNode, links: number): Generator<string> {
  const check = function* (what: string, is: unknown, wanted: unknown): Generator<string> {
    if (is !== wanted) yield `${what} ${String(is)}, expected ${String(wanted)}`;
  };
  yield* check('mode', stats.mode.toString(8), (FORMAT_OF_KIND[node.kind] | node.mode).toString(8));
  yield* check('uid', stats.uid, BigInt(node.uid));
  yield* check('gid', stats.gid, BigInt(node.gid));
  const time = storedTime(node);
  for (const which of ['mtimeNs', 'atimeNs', 'ctimeNs', 'birthtimeNs'] as const)
    yield* check(which, stats[which], time);
  yield* check('links', stats.nlink, BigInt(links));
  if (node.kind === 'file') yield* check('size', stats.size, BigInt(node.size));
  if (node.kind === 'symlink') yield* check('target', target, node.target);
  if (node.kind === 'character' || node.kind === 'block') yield* check('device', stats.rdev, deviceOf(node));
  yield* check('xattrs', describeXattrs(xattrs), describeXattrs(node.xattrs));
}

/** What ext4 keeps of a node's time. */
export function storedTime({ time }: ModelNode): bigint {
  return time < TIME_MIN ? TIME_MIN : time >= TIME_MAX + 1_000_000_000n ? TIME_MAX : time;
}

/** A directory has its own `.`, its name and the `..` of each of its subdirectories; lost+found is the root's. */
export function linksOf(node: ModelNode, isRoot: boolean, names: number): number {
  if (node.kind !== 'directory') return names;
  const below = [...node.children].filter(([, child]) => child.node.kind === 'directory').length;
  return 2 + below + (isRoot && !node.children.has('lost+found') ? 1 : 0);
}

/** As glibc's makedev. */
function deviceOf({ major, minor }: ModelNode): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
}

function describeXattrs(xattrs: ReadonlyMap<ByteString, Uint8Array>): string {
  const lines = [...xattrs].map(([name, value]) => `${displayName(name)}=${Buffer.from(value).toString('hex')}`);
  return lines.toSorted().join(' ');
}

function* compareContent(
  node: ModelNode,
  { stats }: SeenNode,
  mounted: string,
  path: ByteString,
  blockSize: number,
): Generator<string> {
  const file = hostPath(mounted, path);
  const blocks = blocksOf(node, blockSize);
  const whole = JSON.stringify([{ start: 0, end: Math.ceil(node.size / blockSize) * blockSize }]);
  const isSparse = node.size > 0 && JSON.stringify(blocks) !== whole;
  // Asking for extents takes a process; without a hole the number of blocks says as much. Its arguments are text.
  if (isSparse && !/[\x80-\xff]/.test(path)) {
    const extents = JSON.stringify(extentsOf(`${mounted}/${path}`));
    if (extents !== JSON.stringify(blocks)) yield `blocks at ${extents}, expected ${JSON.stringify(blocks)}`;
  } else if (!isSparse && Number(stats.blocks) * 512 < node.size) yield 'a hole';
  const ranges = node.size <= WHOLE_MAX ? [{ start: 0, end: node.size }] : blocks;
  for (const { start, end } of ranges) {
    const length = Math.min(end, node.size) - start;
    if (Buffer.compare(readAt(file, start, length), contentOf(node, start, length)) !== 0) {
      yield `other bytes in ${start} to ${end}`;
    }
  }
}

/** The blocks that hold any of a file's data, joined. */
export function blocksOf({ segments }: ModelNode, blockSize: number): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { offset, bytes } of segments) {
    if (bytes.length === 0) continue;
    const start = Math.floor(offset / blockSize) * blockSize;
    const end = Math.ceil((offset + bytes.length) / blockSize) * blockSize;
    const previous = ranges.at(-1);
    if (previous !== undefined && start <= previous.end) previous.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

export function contentOf({ segments }: ModelNode, start: number, length: number): Uint8Array {
  const content = new Uint8Array(length);
  for (const { offset, bytes } of segments) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + bytes.length, start + length);
    if (from < to) content.set(bytes.subarray(from - offset, to - offset), from - start);
  }
  return content;
}
