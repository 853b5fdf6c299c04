import { createHash } from 'node:crypto';
import type { ByteString } from '../../src/core/bytes.ts';
import { byteString } from '../../src/core/bytes.ts';
import type { BlockDevice } from '../../src/core/ext4/reader/block-reader.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import type { ReadInode } from '../../src/core/ext4/reader/inode.ts';
import { EntryType } from '../../src/core/layer/entry.ts';
import { S_IFMT_OF } from '../../src/core/ext4/format/inode.ts';
import { walkMounted, xattrsOfMounted } from './mount.ts';

/** Everything that a filesystem has below its root, a line each, sorted: as `describeMounted` says it. */
export function describeRead(device: BlockDevice): string[] {
  const filesystem = new Filesystem(device);
  const lines: string[] = [];
  const pending: [ByteString, ReadInode][] = [['', filesystem.root]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [parent, directory] = next;
    for (const { name, ino } of filesystem.names(directory)) {
      const path = parent === '' ? name : `${parent}/${name}`;
      if (path === 'lost+found') continue;
      const inode = filesystem.inode(ino);
      if (inode.type === EntryType.directory) pending.push([path, inode]);
      lines.push(line(path, inode, contentOf(filesystem, inode), xattrsOf(filesystem, inode)));
    }
  }
  return lines.sort();
}

function line(path: ByteString, inode: ReadInode, content: string, xattrs: object): string {
  const { mode, uid, gid, links, size, mtime, deviceMajor, deviceMinor, type, ino } = inode;
  const device = type === EntryType.characterDevice || type === EntryType.blockDevice ? [deviceMajor, deviceMinor] : [];
  const length = type === EntryType.file || type === EntryType.symlink ? size : 0;
  const time = BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds);
  return text(path, ino, (S_IFMT_OF[type] ?? 0) | mode, uid, gid, links, length, device, time, content, xattrs);
}

function text(...parts: readonly (string | number | bigint | readonly number[] | object)[]): string {
  return parts.map((part) => (typeof part === 'object' ? JSON.stringify(part) : String(part))).join(' ');
}

function contentOf(filesystem: Filesystem, inode: ReadInode): string {
  if (inode.type === EntryType.symlink) return byteString(filesystem.symlinkTarget(inode));
  if (inode.type !== EntryType.file) return '';
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(1 << 16);
  const inline = filesystem.inlineFile(inode) ?? new Uint8Array(0);
  let at = inline.length;
  hash.update(inline);
  const zeroTo = (end: number): void => {
    for (; at < end; at += Math.min(zeros.length, end - at))
      hash.update(zeros.subarray(0, Math.min(zeros.length, end - at)));
  };
  for (const { offset, length, imageOffset } of filesystem.runs(inode)) {
    zeroTo(offset);
    for (let done = 0; done < length; done += zeros.length) {
      const piece = new Uint8Array(Math.min(zeros.length, length - done));
      filesystem.read(imageOffset + done, piece);
      hash.update(piece);
    }
    at = offset + length;
  }
  zeroTo(inode.size);
  return hash.digest('hex');
}

function xattrsOf(filesystem: Filesystem, inode: ReadInode): object {
  return Object.fromEntries(
    filesystem.xattrs(inode).map(({ name, value }) => [name, Buffer.from(value).toString('hex')]),
  );
}

/** The same of a mounted filesystem, as the kernel shows it. */
export function describeMounted(directory: string): string[] {
  const xattrs = xattrsOfMounted(directory);
  const lines = walkMounted(directory).map(({ path, stat, content }) => {
    const { ino, mode, uid, gid, nlink, size, rdev, mtimeNs } = stat;
    const isDevice = stat.isCharacterDevice() || stat.isBlockDevice();
    const device = isDevice
      ? [Number((rdev >> 8n) & 0xfffn), Number((rdev & 0xffn) | ((rdev >> 12n) & 0xf_ff00n))]
      : [];
    const length = stat.isFile() || stat.isSymbolicLink() ? size : 0;
    const sorted = Object.entries(xattrs.get(path) ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return text(path, ino, mode, uid, gid, nlink, length, device, mtimeNs, content, Object.fromEntries(sorted));
  });
  return lines.sort();
}
