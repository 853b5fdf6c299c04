import { type ByteString, bytesOf, displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { TAR_END } from '../tar/write-header.ts';
import { whiteoutOf } from '../tree/whiteout.ts';
import { differencesOf } from './differences.ts';
import type { ExportOptions } from './export-tar.ts';
import { InodeSet } from './inode-set.ts';
import { linkMember, memberOf, whiteoutMember } from './member.ts';
import { mergeWalk, type PathPair } from './merge-walk.ts';
import { joinPath } from './walk.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * A layer in the form of the OCI image specification that makes `base` into `image`: what was added or changed, whole, and whiteouts
 * for what is gone. A file of which one name is in the layer is there with all its names, as a runtime cannot link to a file of
 * a lower layer. Times count as they are; contents are compared whatever the times say. Throws `name-invalid` for a name that
 * means a whiteout. Each piece is good until the next is asked for.
 */
export function* exportLayer(
  base: ReadableFilesystem,
  image: ReadableFilesystem,
  { warn }: ExportOptions,
): Generator<Uint8Array, void> {
  const changed = changedInodes(base, image);
  const firstNames = new Map<number, ByteString>();
  for (const pair of mergeWalk(base, image)) {
    const { path, after } = pair;
    if (isBelowWhatIsGone(pair)) continue;
    if (after === undefined || after.type === EntryType.socket) {
      if (after !== undefined) warn(`${displayName(path)}: a socket, which a layer cannot hold, is left out`);
      if (isWhitedOut(pair)) yield whiteoutMember(whiteoutPath(path));
      continue;
    }
    const first = firstNames.get(after.ino);
    if (changed.has(after.ino)) {
      refuseWhiteoutName(path);
      if (first !== undefined) yield linkMember(path, first, after);
      else yield* memberOf(image, path, after);
      if (after.links > 1 && after.type !== EntryType.directory && first === undefined) firstNames.set(after.ino, path);
    }
    if (pair.isReplaced) yield whiteoutMember(joinPath(path, OPAQUE));
  }
  yield TAR_END;
}

/** The inodes of `image` that the layer has to bring. */
function changedInodes(base: ReadableFilesystem, image: ReadableFilesystem): InodeSet {
  const changed = new InodeSet();
  const linked = new LinkedFiles();
  for (const pair of mergeWalk(base, image)) {
    const { before, after } = pair;
    if (after === undefined || after.type === EntryType.socket) continue;
    const isNew = before === undefined || before.type !== after.type;
    const link = isNew ? 'first' : linked.meet(before, after);
    if (isNew || link === 'other') changed.add(after.ino);
    else if (link === 'first' && differencesOf(base, before, image, after).length > 0) changed.add(after.ino);
  }
  return changed;
}

/** Knows whether the names of one file are still those of one file: each inode of one side may be one of the other only. */
class LinkedFiles {
  readonly #afterOf = new Map<number, number>();
  readonly #beforeOf = new Map<number, number>();

  /** Meets a name: `first` of a pair of inodes, another name of the `same` pair, or of one of them and an `other`. */
  meet(before: ReadableInode, after: ReadableInode): 'first' | 'same' | 'other' {
    if (after.type === EntryType.directory || (before.links < 2 && after.links < 2)) return 'first';
    const [knownAfter, knownBefore] = [this.#afterOf.get(before.ino), this.#beforeOf.get(after.ino)];
    if (knownAfter === undefined) this.#afterOf.set(before.ino, after.ino);
    if (knownBefore === undefined) this.#beforeOf.set(after.ino, before.ino);
    if (knownAfter === undefined && knownBefore === undefined) return 'first';
    return knownAfter === after.ino && knownBefore === before.ino ? 'same' : 'other';
  }
}

/** Whether a parent is no directory any more: what was below went with it. */
function isBelowWhatIsGone({ parent, after }: PathPair): boolean {
  return after === undefined && parent !== undefined && parent.after?.type !== EntryType.directory;
}

/** Whether what the base has at a path needs a whiteout of its own to go. */
function isWhitedOut({ before, after, parent }: PathPair): boolean {
  return before !== undefined && before.type !== after?.type && parent?.isReplaced !== true;
}

/** Throws `name-invalid` where the whiteout would mean something else. */
function whiteoutPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/') + 1;
  const whiteout = `${WHITEOUT}${path.slice(slash)}`;
  if (whiteoutOf(bytesOf(whiteout)) !== 'name') throw nameInvalid(path, 'be removed by');
  return `${path.slice(0, slash)}${whiteout}`;
}

function refuseWhiteoutName(path: ByteString): void {
  if (whiteoutOf(bytesOf(path.slice(path.lastIndexOf('/') + 1))) !== 'none') throw nameInvalid(path, 'be in');
}

function nameInvalid(path: ByteString, what: string): ImageError {
  return new ImageError('name-invalid', `${displayName(path)} cannot ${what} a layer: its name begins with .wh.`);
}
