import { bytesOf } from '../bytes.ts';
import { EntryType } from '../layer/entry.ts';
import { high32, low32 } from '../struct.ts';
import { attributesOf, type MetadataPolicy, xattrsOf } from './metadata.ts';
import type { NameOrder } from './order.ts';
import { ROOT, type Tree } from './tree.ts';

const BUFFER_SIZE = 64 * 1024;

/**
 * Describes a tree in canonical form: every name in byte order, directories before what they hold, and at an inode's first name its type,
 * mode, owner, time, size, device, target and xattrs. File contents are not part of it. All numbers are little-endian, every
 * string follows its length. `sink` gets the bytes in pieces that it must not keep.
 */
export function describeTree(
  tree: Tree,
  names: NameOrder,
  policy: MetadataPolicy,
  sink: (piece: Uint8Array) => void,
): void {
  const out = new Writer(sink);
  const visits = new Uint32Array(tree.inodeCount);
  let visited = 0;
  const describe = (inode: number): void => {
    const known = visits[inode] !== 0;
    if (!known) visits[inode] = ++visited;
    out.u32(visits[inode]!);
    if (!known) describeInode(out, tree, inode, policy);
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
      out.string(tree.nameBytes(dentry));
      describe(inode);
      if (tree.isDirectory(inode)) pending.push(inode);
    }
  }
  out.flush();
}

function describeInode(out: Writer, tree: Tree, inode: number, policy: MetadataPolicy): void {
  const type = tree.inodeType.values[inode]!;
  const { mode, uid, gid, seconds, nanoseconds } = attributesOf(tree, inode, policy);
  out.u32(type);
  out.u32(mode);
  out.u32(uid);
  out.u32(gid);
  out.u64(seconds);
  out.u32(nanoseconds);
  const index = tree.layers[tree.inodeLayer.values[inode]!];
  const entry = tree.inodeEntry.values[inode]!;
  if (type === EntryType.file) out.u64(index?.size[entry] ?? 0);
  if (type === EntryType.symlink) out.string(tree.symlinkTarget(inode));
  if (type === EntryType.characterDevice || type === EntryType.blockDevice) {
    out.u32(index?.deviceMajor[entry] ?? 0);
    out.u32(index?.deviceMinor[entry] ?? 0);
  }
  const xattrs = xattrsOf(tree, inode);
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
  readonly #view = new DataView(this.#buffer.buffer);
  #length = 0;

  constructor(sink: (piece: Uint8Array) => void) {
    this.#sink = sink;
  }

  u32(value: number): void {
    if (this.#length + 4 > BUFFER_SIZE) this.flush();
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A whole number, in two's complement when negative. */
  u64(value: number): void {
    this.u32(low32(value) >>> 0);
    this.u32(high32(value) >>> 0);
  }

  string(bytes: Uint8Array): void {
    this.u32(bytes.length);
    if (this.#length + bytes.length > BUFFER_SIZE) this.flush();
    if (bytes.length > BUFFER_SIZE) return this.#sink(bytes);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  flush(): void {
    this.#sink(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}
