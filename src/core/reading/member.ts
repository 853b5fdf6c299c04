import { type ByteString, byteString } from '../bytes.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { roundUp } from '../struct.ts';
import { BLOCK_BYTES } from '../tar/header.ts';
import { sparseMap, tarHeader } from '../tar/write-header.ts';
import { dataPieces, dataRanges } from './contents.ts';

const NO_ATTRIBUTES = { mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, deviceMajor: 0, deviceMinor: 0 };

/** A name of a filesystem as a member of a tar: header, data, padding. `path` is `''` for the tar's root. */
export function* memberOf(
  filesystem: ReadableFilesystem,
  path: ByteString,
  inode: ReadableInode,
): Generator<Uint8Array, void> {
  const { type, mode, uid, gid, mtime, deviceMajor, deviceMinor } = inode;
  const ranges = type === EntryType.file ? dataRanges(filesystem, inode) : [];
  const stored = ranges.reduce((sum, { length }) => sum + length, 0);
  const isSparse = type === EntryType.file && stored !== inode.size;
  const map = isSparse ? sparseMap(ranges, inode.size) : new Uint8Array(0);
  yield tarHeader({
    type,
    name: type === EntryType.directory ? `${path === '' ? '.' : path}/` : path,
    linkName: type === EntryType.symlink ? byteString(filesystem.symlinkTarget(inode)) : '',
    mode,
    uid,
    gid,
    mtimeSeconds: mtime.seconds,
    mtimeNanoseconds: mtime.nanoseconds,
    deviceMajor,
    deviceMinor,
    xattrs: filesystem.xattrs(inode),
    storedSize: map.length + stored,
    sparseSize: isSparse ? inode.size : undefined,
  });
  if (type !== EntryType.file) return;
  if (isSparse) yield map;
  yield* dataPieces(filesystem, inode);
  yield new Uint8Array(roundUp(stored, BLOCK_BYTES) - stored);
}

/** Another name of a member that came before. */
export function linkMember(path: ByteString, target: ByteString, inode: ReadableInode): Uint8Array {
  const { mode, uid, gid, mtime } = inode;
  return tarHeader({
    ...NO_ATTRIBUTES,
    type: EntryType.hardLink,
    name: path,
    linkName: target,
    mode,
    uid,
    gid,
    mtimeSeconds: mtime.seconds,
    mtimeNanoseconds: mtime.nanoseconds,
    xattrs: [],
    storedSize: 0,
  });
}

/** An empty file, as whiteouts are. */
export function whiteoutMember(path: ByteString): Uint8Array {
  const type = EntryType.file;
  return tarHeader({ ...NO_ATTRIBUTES, type, name: path, linkName: '', mode: 0o644, xattrs: [], storedSize: 0 });
}
