import type { ByteString } from '../bytes.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { type Aspect, differencesOf } from './differences.ts';
import { mergeWalk, type PathPair } from './merge-walk.ts';

/** A path that is not the same in two filesystems. */
export interface PathDifference {
  readonly path: ByteString;
  readonly kind: 'added' | 'removed' | 'changed';
  /** How it changed; empty for what was added or removed. */
  readonly how: readonly Aspect[];
  readonly before: ReadableInode | undefined;
  readonly after: ReadableInode | undefined;
}

/**
 * Compares two filesystems path by path, in the order of `mergeWalk`: yields every path that they have, with what is different, and
 * an empty `how` for what is not. Nothing is kept of files but which of them have several names.
 */
export function* compareTrees(
  before: ReadableFilesystem,
  after: ReadableFilesystem,
): Generator<PathDifference & { readonly isSame: boolean }, void> {
  const [firstBefore, firstAfter] = [new FirstNames(), new FirstNames()];
  for (const pair of mergeWalk(before, after)) {
    const { path, before: old, after: now } = pair;
    const linkedBefore = firstBefore.of(old, path);
    const linkedAfter = firstAfter.of(now, path);
    const kind = kindOfDifference(pair);
    if (old === undefined || now === undefined) yield { path, kind, how: [], before: old, after: now, isSame: false };
    else {
      const how = differencesOf(before, old, after, now);
      if (linkedBefore !== linkedAfter || haveOtherLinks(old, now)) how.push('links');
      yield { path, kind, how, before: old, after: now, isSame: how.length === 0 };
    }
  }
}

function kindOfDifference({ before, after }: PathPair): PathDifference['kind'] {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}

/** Directories have links from what they hold, which is compared by itself. */
function haveOtherLinks(old: ReadableInode, now: ReadableInode): boolean {
  return old.type !== EntryType.directory && now.type !== EntryType.directory && old.links !== now.links;
}

/** Under which name each inode with several was met first. */
class FirstNames {
  readonly #paths = new Map<number, ByteString>();

  /** `path` itself for an inode that was not met before. */
  of(inode: ReadableInode | undefined, path: ByteString): ByteString {
    if (inode === undefined || inode.type === EntryType.directory || inode.links < 2) return path;
    const first = this.#paths.get(inode.ino);
    if (first === undefined) this.#paths.set(inode.ino, path);
    return first ?? path;
  }
}
