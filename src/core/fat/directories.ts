import { u32Column } from '../columns.ts';
import { ImageError, type ImageErrorCode } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import type { NameOrder } from '../tree/order.ts';
import { SECTOR_SIZE } from './format/boot-sector.ts';
import { DIRECTORY_ENTRIES_MAX, ENTRY_SIZE, SHORT_NAME_LENGTH } from './format/directory-entry.ts';
import { foldCase, longEntries, longName } from './long-names.ts';
import { shortNames } from './short-names.ts';

/** Every directory's names as entries. Positions are those of `NameOrder.dentries`. */
export interface FatDirectories {
  /** The inodes of directories in the order of their clusters: the root, then as the tree has them. */
  readonly inodes: Uint32Array;
  /** By directory in that order: how many entries it has, those that are left unused on purpose included. */
  readonly entries: Uint32Array;
  /** How many entries of zeros each needs behind these. */
  readonly endEntries: number;
  /** By position: which entry of its directory the name begins at, counted in entries. */
  readonly firstEntry: Uint32Array;
  /** By position: how many entries of a long name stand before the short one; 0 where the short name is the name. */
  readonly longEntries: Uint8Array;
  /** By position: 11 bytes. */
  readonly shortNames: Uint8Array;
}

/** How directories are laid out. */
export interface DirectoryOptions {
  /** Whether the root has an entry with the volume's label. */
  readonly hasLabel: boolean;
  /**
   * Whether IncludeOS shall be able to read them: it takes a name's entries from one sector, a short name as eleven characters, and sectors up
   * to an entry of zeros, whose cluster may be the next directory's.
   */
  readonly isForIncludeos: boolean;
}

const ENTRIES_PER_SECTOR = SECTOR_SIZE / ENTRY_SIZE;
/** `.` and `..` */
const DOT_ENTRIES = 2;

/** How many entries stand before a directory's names. */
export const leadingEntries = (inode: number, hasLabel: boolean): number =>
  inode === ROOT ? Number(hasLabel) : DOT_ENTRIES;

/**
 * Gives every name its entries. Throws `layer-unsupported` for what FAT has no place for, `name-invalid` for a name that it cannot hold,
 * `limit-exceeded` for a directory or a name that needs too many entries.
 */
export function layOutDirectories(tree: Tree, names: NameOrder, options: DirectoryOptions): FatDirectories {
  const count = names.dentries.length;
  const inodes = u32Column();
  const entries = u32Column();
  const laidOut = {
    firstEntry: new Uint32Array(count),
    longEntries: new Uint8Array(count),
    shortNames: new Uint8Array(count * SHORT_NAME_LENGTH),
  };
  for (let inode = ROOT; inode < tree.inodeCount; inode++) {
    if (!tree.isDirectory(inode) || tree.inodeDentries.values[inode] === 0) continue;
    inodes.push(inode);
    entries.push(layOutDirectory(tree, names, inode, options, laidOut));
  }
  const endEntries = Number(options.isForIncludeos);
  return { inodes: inodes.trimmed(), entries: entries.trimmed(), endEntries, ...laidOut };
}

/** Fills in a directory's columns; returns how many entries it has. */
function layOutDirectory(
  tree: Tree,
  names: NameOrder,
  inode: number,
  { hasLabel, isForIncludeos }: DirectoryOptions,
  laidOut: Pick<FatDirectories, 'firstEntry' | 'longEntries' | 'shortNames'>,
): number {
  const from = names.start[inode]!;
  const texts = namesOf(tree, names.dentries.subarray(from, names.start[inode + 1]));
  const short = shortNames(texts);
  laidOut.shortNames.set(short.bytes, from * SHORT_NAME_LENGTH);
  let entry = leadingEntries(inode, hasLabel);
  texts.forEach((text, i) => {
    const long = short.isWhole[i] === 1 && !isForIncludeos ? 0 : longEntries(text);
    if (isForIncludeos) {
      if (long >= ENTRIES_PER_SECTOR) throw failure(tree, names.dentries[from + i]!, 'name-invalid', TOO_LONG);
      const left = ENTRIES_PER_SECTOR - (entry % ENTRIES_PER_SECTOR);
      if (long >= left) entry += left;
    }
    laidOut.longEntries[from + i] = long;
    laidOut.firstEntry[from + i] = entry;
    entry += long + 1;
  });
  if (entry + Number(isForIncludeos) > DIRECTORY_ENTRIES_MAX) {
    const what = `a directory whose names take ${entry} entries, and FAT allows ${DIRECTORY_ENTRIES_MAX}`;
    const place = { layer: tree.directoryLayer(inode), path: tree.displayInode(inode) };
    throw new ImageError('limit-exceeded', what, place);
  }
  return entry;
}

const TOO_LONG = 'a name whose entries do not fit in one sector, as IncludeOS needs them: at most 195 characters';

/** The names of dentries as text, which FAT can hold, and tell apart. */
function namesOf(tree: Tree, dentries: Uint32Array): string[] {
  const texts: string[] = [];
  const folded = new Map<string, number>();
  for (const dentry of dentries) {
    checkType(tree, dentry);
    const name = longName(tree.nameBytes(dentry));
    if ('reason' in name) throw failure(tree, dentry, 'name-invalid', `${name.reason}, which FAT cannot hold`);
    const key = foldCase(name.text);
    const other = folded.get(key);
    if (other !== undefined) {
      const what = `a name that only case tells from ${tree.displayPath(other)}: to FAT they are the same`;
      throw failure(tree, dentry, 'name-invalid', what);
    }
    folded.set(key, dentry);
    texts.push(name.text);
  }
  return texts;
}

const KINDS: Readonly<Record<number, string>> = {
  [EntryType.symlink]: 'a symlink',
  [EntryType.characterDevice]: 'a character device',
  [EntryType.blockDevice]: 'a block device',
  [EntryType.fifo]: 'a fifo',
  [EntryType.socket]: 'a socket',
};

function checkType(tree: Tree, dentry: number): void {
  const kind = KINDS[tree.inodeType.values[tree.dentryInode.values[dentry]!]!];
  if (kind !== undefined) throw failure(tree, dentry, 'layer-unsupported', `${kind}, which FAT cannot hold`);
}

function failure(tree: Tree, dentry: number, code: ImageErrorCode, what: string): ImageError {
  const layer = tree.dentryLayer.values[dentry]!;
  return new ImageError(code, what, { layer: layer === NONE ? undefined : layer, path: tree.displayPath(dentry) });
}
