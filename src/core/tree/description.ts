import { bytesOf } from '../bytes.ts';
import { EntryType } from '../layer/entry.ts';
import { high32, low32 } from '../struct.ts';
import type { Xattr } from '../layer/entry.ts';
import type { Attributes } from './metadata.ts';
import type { NameOrder } from './order.ts';
import { ROOT, type Tree } from './tree.ts';

const BUFFER_SIZE = 64 * 1024;
/** Names up to this length are copied byte by byte, which costs less than a view of them. */
const SHORT_STRING = 64;

/** What the image makes of inodes. */
export interface DescribedInodes {
  attributes(inode: number): Attributes;
  /** In an order that does not depend on where they came from. */
  xattrs(inode: number): readonly Xattr[];
}

/**
 * Describes a tree in canonical form: every name in byte order, directories before what they hold, and at an inode's first name its type,
 * mode, owner, time, size, device, target and xattrs. File contents are not part of it. All numbers are little-endian, every
 * string follows its length. `sink` gets the bytes in pieces that it must not keep.
 */
export function describeTree(
  tree: Tree,
  names: NameOrder,
  inodes: DescribedInodes,
  sink: (piece: Uint8Array) => void,
): void {
  const out = new Writer(sink);
  const visits = new Uint32Array(tree.inodeCount);
  let visited = 0;
  const describe = (inode: number): void => {
    const known = visits[inode] !== 0;
    if (!known) visits[inode] = ++visited;
    out.u32(visits[inode]!);
    if (!known) describeInode(out, tree, inode, inodes);
  };
  describe(ROOT);
  const pending = [ROOT];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    out.u32(visits[directory]!);
    const end = names.start[directory + 1]!;
    out.u32(end - names.start[directory]!);
    for (let i = names.start[directory]!; i < end; i++) {
      const dentry = names.dentries[i]!;
      const inode = tree.dentryInode.values[dentry]!;
      const start = tree.dentryNameStart.values[dentry]!;
      out.string(tree.names.values, start, start + tree.dentryNameLength.values[dentry]!);
      describe(inode);
      if (tree.isDirectory(inode)) pending.push(inode);
    }
  }
  out.flush();
}

function describeInode(out: Writer, tree: Tree, inode: number, inodes: DescribedInodes): void {
  const type = tree.inodeType.values[inode]!;
  const { mode, uid, gid, seconds, nanoseconds } = inodes.attributes(inode);
  const at = out.reserve(28);
  out.view.setUint32(at, type, true);
  out.view.setUint32(at + 4, mode, true);
  out.view.setUint32(at + 8, uid, true);
  out.view.setUint32(at + 12, gid, true);
  out.view.setUint32(at + 16, low32(seconds) >>> 0, true);
  out.view.setUint32(at + 20, high32(seconds) >>> 0, true);
  out.view.setUint32(at + 24, nanoseconds, true);
  const index = tree.layers[tree.inodeLayer.values[inode]!];
  const entry = tree.inodeEntry.values[inode]!;
  if (type === EntryType.file) out.u64(index?.size[entry] ?? 0);
  if (type === EntryType.symlink) out.string(tree.symlinkTarget(inode));
  if (type === EntryType.characterDevice || type === EntryType.blockDevice) {
    out.u32(index?.deviceMajor[entry] ?? 0);
    out.u32(index?.deviceMinor[entry] ?? 0);
  }
  const xattrs = inodes.xattrs(inode);
  out.u32(xattrs.length);
  for (const { name, value } of xattrs) {
    out.string(bytesOf(name));
    out.string(value);
  }
}

/** Gathers small pieces into large ones. */
class Writer {
  readonly #sink: (piece: Uint8Array) => void;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  readonly view = new DataView(this.#buffer.buffer);
  #length = 0;

  constructor(sink: (piece: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Makes room for `length` bytes, to be written through `view`; returns where. */
  reserve(length: number): number {
    if (this.#length + length > BUFFER_SIZE) this.flush();
    this.#length += length;
    return this.#length - length;
  }

  u32(value: number): void {
    this.view.setUint32(this.reserve(4), value, true);
  }

  /** A whole number, in two's complement when negative. */
  u64(value: number): void {
    this.u32(low32(value) >>> 0);
    this.u32(high32(value) >>> 0);
  }

  /** The part of `bytes` between `start` and `end`, behind its length. */
  string(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.u32(end - start);
    if (end - start > SHORT_STRING) return this.#long(bytes.subarray(start, end));
    let at = this.reserve(end - start);
    for (let i = start; i < end; i++) this.#buffer[at++] = bytes[i]!;
  }

  #long(bytes: Uint8Array): void {
    if (bytes.length <= BUFFER_SIZE) return this.#buffer.set(bytes, this.reserve(bytes.length));
    this.flush();
    this.#sink(bytes);
  }

  flush(): void {
    this.#sink(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}
