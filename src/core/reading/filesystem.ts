import type { ByteString } from '../bytes.ts';
import type { EntryType, Xattr } from '../layer/entry.ts';

/** Seconds since 1970 and nanoseconds. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A name in a directory. */
export interface DirectoryName {
  readonly name: ByteString;
  readonly ino: number;
}

/** Bytes of a file that stand together in the image. All in bytes. */
export interface DataRun {
  /** In the file. */
  readonly offset: number;
  readonly length: number;
  /** In the image, as `read` counts. */
  readonly imageOffset: number;
}

/** What a filesystem says of a file of any type. */
export interface ReadableInode {
  /** Its number; several names may have it. */
  readonly ino: number;
  /** What its content has alone, ascending in the order in which contents were made; 0 where there may be none. */
  readonly place: number;
  readonly type: EntryType;
  /** Permission bits with set-id and sticky, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many names it has; of a directory what the filesystem says. */
  readonly links: number;
  /** Of a file or a symlink in bytes; of a directory what it takes. */
  readonly size: number;
  readonly mtime: Time;
  readonly atime: Time;
  readonly ctime: Time;
  /** Undefined where there is no place for it. */
  readonly crtime: Time | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/**
 * A filesystem that is read, whatever its kind. Inodes go back to the filesystem that they are from. What is damaged throws ImageError
 * `image-corrupt`, what is not read here `image-unsupported`.
 */
export interface ReadableFilesystem<I extends ReadableInode = ReadableInode> {
  readonly root: I;
  inode(ino: number): I;
  /** The names of a directory as they stand in it, `.` and `..` left out. */
  names(directory: I): Iterable<DirectoryName>;
  /** The same in the order of their bytes. */
  sortedNames(directory: I): DirectoryName[];
  /** Whether a name came with the filesystem, and nobody used it: it is no content of the image. */
  isUnusedOwn(directory: I, entry: DirectoryName): boolean;
  /** The inode that a path names, from the root, symlinks followed inside the image; undefined where there is none. */
  resolve(path: ByteString, options?: { followLast?: boolean }): I | undefined;
  /** Where the data of a file is, in order, up to its size; what lies between is zeros. */
  runs(inode: I): Iterator<DataRun, void> & Iterable<DataRun>;
  /** The data of a file that is kept in its inode, what of it is not zeros to the end; undefined for every other. */
  inlineFile(inode: I): Uint8Array | undefined;
  /** Fills `target` with bytes of the image. */
  read(offset: number, target: Uint8Array): void;
  /** Fills `target` with a file's bytes from `offset`; returns how many there were. */
  readFile(inode: I, offset: number, target: Uint8Array): number;
  /** The text of a symlink. */
  symlinkTarget(inode: I): Uint8Array;
  /** In the order of their names. */
  xattrs(inode: I): Xattr[];
}
