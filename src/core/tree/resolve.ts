import { byteString, displayName } from '../bytes.ts';
import { ImageError, type ImageErrorContext } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { NAME_LENGTH_MAX } from '../layer/path.ts';
import { NONE, ROOT, type Tree } from './tree.ts';

/** What a symlink among an entry's parents means. */
export type SymlinkedParents = 'follow' | 'replace' | 'error';

/** How many symlinks one path may pass (the kernel's MAXSYMLINKS). */
const SYMLINKS_MAX = 40;
/** How many names one path may pass from its first symlink on: texts of 4095 bytes, one after another, name far more. */
const NAMES_MAX = 1024;

/** How a path is walked. */
export interface Walk {
  readonly tree: Tree;
  /** The layer whose entry is walked to; it owns the directories that are made. */
  readonly layer: number;
  readonly symlinkedParents: SymlinkedParents;
  /** Whether missing directories are made, and whatever else stands in their place is replaced. */
  readonly create: boolean;
  readonly context: () => ImageErrorContext;
}

/**
 * The directory inode that a path (normalized, components joined by `/`; all of `bytes`, or its part between `from` and `to`)
 * names, or NONE when it does not exist and nothing is to be made. Symlinks are resolved inside the tree: `/` and `..` never
 * lead out of it.
 */
export function resolveDirectory(walk: Walk, bytes: Uint8Array, from = 0, to = bytes.length): number {
  const { tree } = walk;
  let directory = ROOT;
  let start = from;
  while (start < to) {
    const end = endOfName(bytes, start, to);
    const next = findDirectory(tree, directory, bytes, start, end);
    if (next === NONE) return resolveRest(walk, directory, bytes.subarray(start, to));
    directory = next;
    start = end + 1;
  }
  return directory;
}

/** The directory that the name between `start` and `end` names in `directory`; NONE for a symlink and all else. */
function findDirectory(tree: Tree, directory: number, bytes: Uint8Array, start: number, end: number): number {
  const dentry = tree.lookup(directory, bytes, start, end);
  if (dentry === NONE) return NONE;
  const inode = tree.dentryInode.values[dentry] as number;
  return tree.isDirectory(inode) ? inode : NONE;
}

/** The same for a path from `from` whose first name is no directory yet; a symlink's text may hold `.`, `..` and empty names. */
function resolveRest(walk: Walk, from: number, path: Uint8Array): number {
  const { tree } = walk;
  const pending = [path];
  let directory = from;
  let symlinks = 0;
  let names = 0;
  for (let rest = pending.pop(); rest !== undefined; rest = pending.pop()) {
    if (symlinks > 0 && ++names > NAMES_MAX) throw tooMuch(walk, `${NAMES_MAX} names behind a symlink`);
    const slash = rest.indexOf(0x2f);
    const name = slash < 0 ? rest : rest.subarray(0, slash);
    if (slash >= 0 && slash + 1 < rest.length) pending.push(rest.subarray(slash + 1));
    if (name.length === 0 || isDot(name)) continue;
    if (isDotDot(name)) {
      directory = tree.parent(directory);
      continue;
    }
    const dentry = tree.lookup(directory, name);
    const inode = dentry === NONE ? NONE : (tree.dentryInode.values[dentry] as number);
    if (inode !== NONE && tree.isDirectory(inode)) {
      directory = inode;
    } else if (inode !== NONE && tree.inodeType.values[inode] === EntryType.symlink && follows(walk, dentry)) {
      if (++symlinks > SYMLINKS_MAX) throw tooMuch(walk, `${SYMLINKS_MAX} symlinks`);
      const target = tree.symlinkTarget(inode);
      pending.push(target);
      if (target[0] === 0x2f) directory = ROOT;
    } else {
      if (!walk.create) return NONE;
      directory = makeDirectory(walk, directory, name, dentry);
    }
  }
  return directory;
}

/** The inode that a normalized path names, or NONE. Symlinks among its parents are followed, its last name is not. */
export function findInode(tree: Tree, path: Uint8Array): number {
  if (path.length === 0) return ROOT;
  const slash = path.lastIndexOf(0x2f);
  const walk: Walk = { tree, layer: NONE, symlinkedParents: 'follow', create: false, context: () => ({}) };
  const directory = resolveDirectory(walk, path, 0, Math.max(slash, 0));
  const dentry = directory === NONE ? NONE : tree.lookup(directory, path, slash + 1);
  return dentry === NONE ? NONE : (tree.dentryInode.values[dentry] as number);
}

/** Where the name that begins at `start` of a path, which ends at `to`, ends. */
export function endOfName(path: Uint8Array, start: number, to = path.length): number {
  let end = start;
  while (end < to && path[end] !== 0x2f) end++;
  return end;
}

function follows(walk: Walk, dentry: number): boolean {
  if (walk.symlinkedParents !== 'error') return walk.symlinkedParents === 'follow';
  const what = `its parent ${walk.tree.displayPath(dentry)} is a symlink, and symlinked parents are refused`;
  throw new ImageError('layer-unsupported', what, walk.context());
}

function makeDirectory(walk: Walk, directory: number, name: Uint8Array, replaced: number): number {
  if (name.length > NAME_LENGTH_MAX) {
    const what = `a symlink among its parents names ${displayName(byteString(name), 40)}, of ${name.length} bytes: at most ${NAME_LENGTH_MAX}`;
    throw new ImageError('name-invalid', what, walk.context());
  }
  if (replaced !== NONE) walk.tree.unlink(replaced, walk.layer);
  const inode = walk.tree.addInode(EntryType.directory, NONE, 0);
  walk.tree.link(directory, inode, walk.layer, name);
  return inode;
}

function tooMuch(walk: Walk, what: string): ImageError {
  return new ImageError('limit-exceeded', `more than ${what} among its parents`, walk.context());
}

const isDot = (name: Uint8Array): boolean => name.length === 1 && name[0] === 0x2e;
const isDotDot = (name: Uint8Array): boolean => name.length === 2 && name[0] === 0x2e && name[1] === 0x2e;
