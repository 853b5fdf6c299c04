import type { ByteString } from '../bytes.ts';
import { corrupt } from '../ext4/reader/failure.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { InodeSet } from './inode-set.ts';

/** A name of a filesystem, found by a walk. */
export interface WalkedName {
  /** From where the walk began, without a leading slash; `''` for the beginning itself. */
  readonly path: ByteString;
  /** How many names the path has. */
  readonly depth: number;
  readonly inode: ReadableInode;
  /** Whether it is the last name of its directory. */
  readonly isLast: boolean;
}

export const joinPath = (parent: ByteString, name: ByteString): ByteString =>
  parent === '' ? name : `${parent}/${name}`;

/** Knows which directories were met before: none can be met twice in a sound filesystem, however it is walked. */
export class VisitedDirectories {
  readonly #seen = new InodeSet();

  /** Throws `image-corrupt` for a directory that was met before. */
  visit({ ino, place }: ReadableInode): void {
    if (this.#seen.has(place)) throw corrupt(`directory inode ${ino} has two names, or is below itself`);
    this.#seen.add(place);
  }
}

/**
 * Everything below `start`, itself first: names in byte order, a directory before what it holds, `depthMax` levels deep. Throws as
 * reading does.
 */
export function* walk(
  filesystem: ReadableFilesystem,
  start: ReadableInode,
  depthMax = Number.POSITIVE_INFINITY,
): Generator<WalkedName, void> {
  const visited = new VisitedDirectories();
  const levels: { path: ByteString; names: { name: ByteString; ino: number }[]; next: number }[] = [];
  const enter = (path: ByteString, inode: ReadableInode): void => {
    if (inode.type !== EntryType.directory || levels.length >= depthMax) return;
    visited.visit(inode);
    levels.push({ path, names: filesystem.sortedNames(inode), next: 0 });
  };
  yield { path: '', depth: 0, inode: start, isLast: true };
  enter('', start);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.names[level.next++];
    if (entry === undefined) {
      levels.pop();
      continue;
    }
    const path = joinPath(level.path, entry.name);
    const inode = filesystem.inode(entry.ino);
    yield { path, depth: levels.length, inode, isLast: level.next === level.names.length };
    enter(path, inode);
  }
}
