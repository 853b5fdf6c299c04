import { type ByteString, bytesOf, displayName, utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType, type LayerEntry } from '../layer/entry.ts';
import { entryPath, type LayerIndex, LayerIndexBuilder } from '../layer/layer-index.ts';
import { normalizePath } from '../layer/path.ts';
import { placeBelow } from '../layer/place-below.ts';
import { applyLayer } from '../tree/apply.ts';
import { attributesOf, DEFAULT_EPOCH, type MetadataPolicy, xattrsOf } from '../tree/metadata.ts';
import type { HashKey } from '../tree/name-hash.ts';
import { endOfName } from '../tree/resolve.ts';
import { NONE, ROOT, Tree } from '../tree/tree.ts';
import { whiteoutOf } from '../tree/whiteout.ts';
import { type FullFormula, hasCradle } from './cradle.ts';
import type { FormulaInput } from './formula.ts';
import { hostDirectory } from './host-directory.ts';

/** The filesystem of a formula: as a tree, and as layers that make it, bottom first. */
export interface Assembly {
  readonly tree: Tree;
  readonly layers: readonly AssembledLayer[];
}

/** A layer with names only, or one with the data of an input. */
interface AssembledLayer {
  readonly index: LayerIndex;
  /** The path of the input in the formula, as written; undefined for directories that were made. */
  readonly input: string | undefined;
}

const OPAQUE = '.wh..wh..opq';
const LOSSLESS: MetadataPolicy = { mtime: 'keep', epoch: DEFAULT_EPOCH, chmodMask: 0 };

/** An input of a formula. */
export interface Mount extends FormulaInput {
  /** As written. */
  readonly path: string;
  /** Normalized, from the root. */
  readonly place: ByteString;
  /** On this host; undefined for a ware. */
  readonly directory: string | undefined;
}

/** The inputs in the order in which they are mounted: that of their paths. Throws as `assemble` does for the paths alone. */
export function mountOrder({ inputs = new Map() }: FullFormula): Mount[] {
  const mounts = Array.from(inputs, ([path, input]): Mount => {
    return { path, place: placeOf(path), directory: hostDirectory(path, input.ware), ...input };
  });
  mounts.sort((a, b) => (a.place < b.place ? -1 : 1));
  const hostMounts = mounts.filter((each) => each.directory !== undefined);
  for (const [i, { path, place }] of mounts.entries()) {
    if (mounts[i + 1]?.place === place) throw invalid(path, 'comes twice');
    const above = hostMounts.find((each) => isBelow(place, each.place));
    if (above !== undefined) throw invalid(path, `lies below ${above.path}, which is a directory of this host`);
  }
  return mounts;
}

/**
 * Puts the inputs of a formula together as Repeatr mounts them: each hides what lies below it, directories that are missing above are
 * 0755, of the formula's user, at 2010-01-01; then the cradle, where it is not disabled. Throws `assembly-invalid` for host
 * directories that are to be written to, symlinks and files among the parents, and names that mean whiteouts in layers.
 */
export function assemble(formula: FullFormula, indexOf: (path: string) => LayerIndex, key: HashKey): Assembly {
  const stack = new Stack(key, formula);
  for (const { path, place } of mountOrder(formula)) stack.mount(path, place, indexOf(path));
  if (hasCradle(formula)) stack.addCradle();
  return { tree: stack.tree, layers: stack.layers };
}

class Stack {
  readonly tree: Tree;
  readonly layers: AssembledLayer[] = [];
  readonly #indexes: LayerIndex[] = [];
  readonly #formula: FullFormula;

  constructor(key: HashKey, formula: FullFormula) {
    this.tree = new Tree(this.#indexes, key);
    this.#formula = formula;
  }

  mount(path: string, place: ByteString, index: LayerIndex): void {
    refuseWhiteouts(path, index);
    const mountPoint = new LayerIndexBuilder();
    for (const parent of parentsOf(place)) if (!this.#isMade(parent, path)) mountPoint.add(this.#filler(parent));
    const isThere = this.#look(place, path) !== NONE;
    // What a ware does not say of its root is as in rio: its owner is not the formula's user.
    mountPoint.add(directory(place, { uid: 0, gid: 0 }));
    if (isThere) mountPoint.add(marker(place === '' ? OPAQUE : `${place}/${OPAQUE}`));
    this.#push({ index: mountPoint.finish(), input: undefined });
    this.#push({ index: placeBelow(index, place), input: path });
  }

  /** The working directory, the home and /tmp, usable for the user. */
  addCradle(): void {
    const { cwd, userinfo } = this.#formula.action;
    this.#makeUsable(cwd);
    this.#makeUsable(userinfo.homedir ?? '/');
    const cradle = new LayerIndexBuilder();
    const inode = this.#look('tmp', '/tmp');
    const found = inode === NONE ? directory('tmp', { uid: 0, gid: 0 }) : this.#entryOf('tmp', inode);
    cradle.add({ ...found, mode: 0o1777 });
    this.#push({ index: cradle.finish(), input: undefined });
  }

  /** Parents get the bit to be passed through; the directory itself is the user's, who may do all with it. */
  #makeUsable(path: string): void {
    const place = placeOf(path);
    const { uid, gid } = this.#formula.action.userinfo;
    const layer = new LayerIndexBuilder();
    for (const each of [...parentsOf(place), place]) {
      const isLast = each === place;
      const found = this.#isMade(each, path) ? this.#entryOf(each, this.#look(each, path)) : this.#filler(each);
      layer.add({ ...found, mode: found.mode | (isLast ? 0o700 : 0o001), ...(isLast ? { uid, gid } : {}) });
    }
    this.#push({ index: layer.finish(), input: undefined });
  }

  #push(layer: AssembledLayer): void {
    this.layers.push(layer);
    this.#indexes.push(layer.index);
    applyLayer(this.tree, this.#indexes.length - 1, 'error');
  }

  /** The directory at a place, or NONE. Throws `assembly-invalid` for what is none, or lies behind what is none. */
  #look(place: ByteString, path: string): number {
    const bytes = bytesOf(place);
    let inode = ROOT;
    for (let start = 0; start < bytes.length; start = endOfName(bytes, start) + 1) {
      const end = endOfName(bytes, start);
      const dentry = this.tree.lookup(inode, bytes, start, end);
      if (dentry === NONE) return NONE;
      inode = this.tree.dentryInode.values[dentry]!;
      if (this.tree.isDirectory(inode)) continue;
      const what = this.tree.inodeType.values[inode] === EntryType.symlink ? 'a symlink' : 'no directory';
      throw invalid(path, `leads through /${displayName(place.slice(0, end))}, which is ${what}`);
    }
    return inode;
  }

  /** The root is always there, but like others nobody's before something says what it is. */
  #isMade(place: ByteString, path: string): boolean {
    const inode = this.#look(place, path);
    return inode !== NONE && (inode !== ROOT || this.tree.inodeLayer.values[ROOT] !== NONE);
  }

  #filler(place: ByteString): LayerEntry {
    return directory(place, this.#formula.action.userinfo);
  }

  /** A directory as it is. */
  #entryOf(place: ByteString, inode: number): LayerEntry {
    const { mode, uid, gid, seconds, nanoseconds } = attributesOf(this.tree, inode, LOSSLESS);
    const times = { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds };
    return { ...directory(place, { uid, gid }), mode, ...times, xattrs: xattrsOf(this.tree, inode) };
  }
}

/** The normalized path in the image. Throws `assembly-invalid`. */
export function placeOf(path: string): ByteString {
  try {
    return normalizePath(utf8ByteString(path), {});
  } catch (error) {
    throw invalid(path, `is no path: ${(error as Error).message}`);
  }
}

/** From the root on. */
function parentsOf(place: ByteString): ByteString[] {
  if (place === '') return [];
  const names = place.split('/');
  return names.map((_, i) => names.slice(0, i).join('/'));
}

const isBelow = (place: ByteString, above: ByteString): boolean =>
  place !== above && (above === '' || place.startsWith(`${above}/`));

function directory(path: ByteString, { uid, gid }: { readonly uid: number; readonly gid: number }): LayerEntry {
  return {
    type: EntryType.directory,
    path,
    linkPath: '',
    mode: 0o755,
    uid,
    gid,
    mtimeSeconds: DEFAULT_EPOCH,
    mtimeNanoseconds: 0,
    size: 0,
    dataOffset: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    headerOffset: 0,
  };
}

/** Hides what is lower. */
const marker = (path: ByteString): LayerEntry => ({
  ...directory(path, { uid: 0, gid: 0 }),
  type: EntryType.file,
});

function refuseWhiteouts(path: string, index: LayerIndex): void {
  for (let entry = 0; entry < index.count; entry++) {
    const names = entryPath(index, entry);
    const found = names.split('/').find((name) => name.startsWith('.wh.') && whiteoutOf(bytesOf(name)) !== 'none');
    if (found !== undefined) throw invalid(path, `has ${displayName(names)}, whose name means a whiteout in an image`);
  }
}

function invalid(path: string, what: string): ImageError {
  return new ImageError('assembly-invalid', `the path ${displayName(utf8ByteString(path))} ${what}`);
}
