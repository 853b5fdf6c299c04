import type { ByteString } from '../bytes.ts';

/** What an entry is. 1 to 7 are ext4's directory file types (EXT4_FT_*); a hard link is only another name for an inode. */
export const EntryType = {
  file: 1,
  directory: 2,
  characterDevice: 3,
  blockDevice: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
  hardLink: 8,
} as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/** One extended attribute; the name with its prefix (`security.capability`), the value as it stood in the layer. */
export interface Xattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

/** Where a sparse file has bytes: `offset` and `length` in the file. The segments' bytes follow each other in the layer. */
export interface DataSegment {
  readonly offset: number;
  readonly length: number;
}

/** One entry of a layer, whatever the layer was read from. */
export interface LayerEntry {
  readonly type: EntryType;
  /** Normalized: components joined by `/`, no leading, trailing or double slash, no `.` or `..`; `''` is the root. */
  readonly path: ByteString;
  /** A symlink's text verbatim, or a hard link's normalized target; `''` otherwise. */
  readonly linkPath: ByteString;
  /** Permission bits with set-id and sticky, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, negative before it; NaN when the layer tells no time, and the image's is taken. */
  readonly mtimeSeconds: number;
  /** 0 to 999,999,999, added to the seconds. */
  readonly mtimeNanoseconds: number;
  /** A file's length in bytes, holes included; 0 for everything else. */
  readonly size: number;
  /** Where a file's bytes begin in the layer's data, in bytes. */
  readonly dataOffset: number;
  /** For a sparse file: its data, ascending, without overlap, within `size`. Absent: `size` bytes from `dataOffset`. */
  readonly segments?: readonly DataSegment[] | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: readonly Xattr[];
  /** Where the entry's header stands in the uncompressed layer, in bytes; names the place in errors. */
  readonly headerOffset: number;
}
