import { byteString } from '../bytes.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType, type Xattr } from '../layer/entry.ts';
import { haveSameContent } from './same-content.ts';

/** In which ways something is another thing than before. */
export type Aspect =
  | 'type'
  | 'mode'
  | 'owner'
  | 'size'
  | 'content'
  | 'target'
  | 'device'
  | 'mtime'
  | 'xattrs'
  | 'links';

/** How an inode differs from another one in all but its names; sizes of directories do not count. */
export function differencesOf(
  before: ReadableFilesystem,
  old: ReadableInode,
  after: ReadableFilesystem,
  now: ReadableInode,
): Aspect[] {
  const found: Aspect[] = [];
  if (old.type !== now.type) found.push('type');
  if (old.mode !== now.mode) found.push('mode');
  if (old.uid !== now.uid || old.gid !== now.gid) found.push('owner');
  if (old.type === now.type) found.push(...contentDifferences(before, old, after, now));
  if (old.mtime.seconds !== now.mtime.seconds || old.mtime.nanoseconds !== now.mtime.nanoseconds) found.push('mtime');
  if (!haveSameXattrs(before.xattrs(old), after.xattrs(now))) found.push('xattrs');
  return found;
}

function contentDifferences(
  before: ReadableFilesystem,
  old: ReadableInode,
  after: ReadableFilesystem,
  now: ReadableInode,
): Aspect[] {
  const { type } = now;
  if (type === EntryType.file) {
    if (old.size !== now.size) return ['size', 'content'];
    return haveSameContent(before, old, after, now) ? [] : ['content'];
  }
  if (type === EntryType.symlink) {
    return byteString(before.symlinkTarget(old)) === byteString(after.symlinkTarget(now)) ? [] : ['target'];
  }
  return old.deviceMajor === now.deviceMajor && old.deviceMinor === now.deviceMinor ? [] : ['device'];
}

function haveSameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, value }, i) => name === b[i]!.name && byteString(value) === byteString(b[i]!.value))
  );
}
