import type { ByteString } from '../bytes.ts';
import type { DirectoryName, ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { joinPath, VisitedDirectories } from './walk.ts';

/** A path in two filesystems; at least one of them has it. */
export interface PathPair {
  readonly path: ByteString;
  readonly before: ReadableInode | undefined;
  readonly after: ReadableInode | undefined;
  /** Undefined for the root. */
  readonly parent: PathPair | undefined;
  /** Whether it is a directory in both, and has none of the names, more than one, that it had before. */
  readonly isReplaced: boolean;
}

/** What a directory has in both filesystems, to be merged. */
interface Level {
  readonly pair: PathPair;
  readonly before: readonly DirectoryName[];
  readonly after: readonly DirectoryName[];
  nextBefore: number;
  nextAfter: number;
}

/**
 * All paths of two filesystems, those of both as one: the root, then names in byte order, a directory before what it holds. Only the
 * names of the directories on the way are in memory. A lost+found that nobody used is left out.
 */
export function* mergeWalk(before: ReadableFilesystem, after: ReadableFilesystem): Generator<PathPair, void> {
  const [visitedBefore, visitedAfter] = [new VisitedDirectories(), new VisitedDirectories()];
  const levels: Level[] = [];
  const met = (
    path: ByteString,
    left: ReadableInode | undefined,
    right: ReadableInode | undefined,
    parent: PathPair | undefined,
  ): PathPair => {
    const namesBefore = namesOf(before, left, visitedBefore);
    const namesAfter = namesOf(after, right, visitedAfter);
    const isReplaced =
      areDirectories(left, right) && namesBefore.length > 1 && haveNoneInCommon(namesBefore, namesAfter);
    const pair = { path, before: left, after: right, parent, isReplaced };
    if (namesBefore.length + namesAfter.length > 0)
      levels.push({ pair, before: namesBefore, after: namesAfter, nextBefore: 0, nextAfter: 0 });
    return pair;
  };
  yield met('', before.root, after.root, undefined);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const [left, right] = [level.before[level.nextBefore], level.after[level.nextAfter]];
    if (left === undefined && right === undefined) {
      levels.pop();
      continue;
    }
    const hasLeft = left !== undefined && (right === undefined || left.name <= right.name);
    const hasRight = right !== undefined && (left === undefined || right.name <= left.name);
    if (hasLeft) level.nextBefore++;
    if (hasRight) level.nextAfter++;
    const path = joinPath(level.pair.path, hasLeft ? left.name : right!.name);
    yield met(
      path,
      hasLeft ? before.inode(left.ino) : undefined,
      hasRight ? after.inode(right.ino) : undefined,
      level.pair,
    );
  }
}

function namesOf(
  filesystem: ReadableFilesystem,
  inode: ReadableInode | undefined,
  visited: VisitedDirectories,
): DirectoryName[] {
  if (inode?.type !== EntryType.directory) return [];
  visited.visit(inode);
  return filesystem.sortedNames(inode).filter((entry) => !filesystem.isUnusedOwn(inode, entry));
}

function areDirectories(left: ReadableInode | undefined, right: ReadableInode | undefined): boolean {
  return left?.type === EntryType.directory && right?.type === EntryType.directory;
}

/** Both are in the order of names. */
function haveNoneInCommon(left: readonly DirectoryName[], right: readonly DirectoryName[]): boolean {
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    if (left[i]!.name === right[j]!.name) return false;
    if (left[i]!.name < right[j]!.name) i++;
    else j++;
  }
  return true;
}
