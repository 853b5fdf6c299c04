import { byteString, displayName } from '../bytes.ts';
import { ImageError, type ImageErrorContext } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { entryLinkPathBytes, entryPath, type LayerIndex } from '../layer/layer-index.ts';
import { endOfName, resolveDirectory, type SymlinkedParents, type Walk } from './resolve.ts';
import { NONE, ROOT, type Tree } from './tree.ts';
import { isWhiteoutAt, WHITEOUT_PREFIX_LENGTH, type Whiteout, whiteoutOf } from './whiteout.ts';

const SLASH = 0x2f;

/** Whether names that begin with `.wh.` hide what is lower, or are names as all others. */
export type WhiteoutNames = 'whiteouts' | 'plain';

/**
 * Applies layer `layer` of `tree.layers` to the tree that the layers below it made, entry by entry, as an OCI runtime
 * unpacks it. Throws ImageError `name-escapes-root`, `name-invalid`, `link-target-missing`, `layer-unsupported` or `limit-exceeded`.
 */
export function applyLayer(
  tree: Tree,
  layer: number,
  symlinkedParents: SymlinkedParents,
  whiteoutNames: WhiteoutNames = 'whiteouts',
): void {
  new LayerApplication(tree, layer, symlinkedParents, whiteoutNames === 'whiteouts').run();
}

class LayerApplication {
  readonly #tree: Tree;
  readonly #layer: number;
  readonly #index: LayerIndex;
  /** Paths are ranges of these bytes: a view costs more than all the rest that is done for a short name. */
  readonly #paths: Uint8Array;
  readonly #create: Walk;
  readonly #find: Walk;
  readonly #hasWhiteouts: boolean;
  #entry = 0;
  /** The parent of the last entry, which most often is the next one's too. */
  #parentStart = 0;
  #parentEnd = 0;
  #parent = ROOT;
  #parentGeneration = 0;
  /** Inodes that stand for the targets of links which came before them, and the dentries that name such inodes. */
  readonly #placeholders: number[] = [];
  readonly #placeholderDentries: number[] = [];

  constructor(tree: Tree, layer: number, symlinkedParents: SymlinkedParents, hasWhiteouts: boolean) {
    this.#tree = tree;
    this.#hasWhiteouts = hasWhiteouts;
    this.#layer = layer;
    this.#index = tree.layers[layer] as LayerIndex;
    this.#paths = this.#index.pathBytes;
    const walk = { tree, layer, symlinkedParents, context: () => this.#context() };
    this.#create = { ...walk, create: true };
    this.#find = { ...walk, create: false };
  }

  run(): void {
    const first = this.#tree.inodeCount;
    const { count, pathEnd } = this.#index;
    let start = 0;
    for (let entry = 0; entry < count; entry++) {
      const end = pathEnd[entry] as number;
      this.#entry = entry;
      this.#apply(start, end);
      start = end;
    }
    this.#resolveLinks();
    this.#tree.endLayer(first);
  }

  /** Applies the current entry, whose path is between `start` and `end`. */
  #apply(start: number, end: number): void {
    if (start === end) return this.#applyRoot();
    const name = startOfLastName(this.#paths, start, end);
    const parentEnd = Math.max(start, name - 1);
    const whiteout = this.#parentWhiteout(start, parentEnd) ?? this.#nameWhiteout(name, end);
    if (whiteout === 'invalid') throw new ImageError('name-invalid', 'the whiteout names nothing', this.#context());
    if (whiteout === 'none') return this.#applyEntry(this.#parentOf(start, parentEnd), name, end);
    if (whiteout === 'ignored') return;
    const directory = resolveDirectory(this.#find, this.#paths, start, parentEnd);
    if (directory !== NONE) this.#hide(directory, whiteout, name, end);
  }

  #applyRoot(): void {
    if (this.#index.type[this.#entry] !== EntryType.directory) {
      throw new ImageError('layer-corrupt', 'the root is not a directory', this.#context());
    }
    this.#tree.setAttributes(ROOT, this.#layer, this.#entry);
  }

  #nameWhiteout(start: number, end: number): Whiteout {
    return this.#hasWhiteouts && isWhiteoutAt(this.#paths, start, end)
      ? whiteoutOf(this.#paths.subarray(start, end))
      : 'none';
  }

  /** What a parent that is a whiteout makes of the entry; undefined when none is one. */
  #parentWhiteout(from: number, to: number): Whiteout | undefined {
    if (this.#isLastParent(from, to)) return undefined;
    for (let start = from; start < to; ) {
      const end = endOfName(this.#paths, start, to);
      const whiteout = this.#nameWhiteout(start, end);
      if (whiteout === 'ignored') return 'ignored';
      if (whiteout !== 'none')
        throw new ImageError('name-invalid', 'one of its parents is a whiteout', this.#context());
      start = end + 1;
    }
    return undefined;
  }

  #hide(directory: number, whiteout: Whiteout, start: number, end: number): void {
    if (whiteout === 'opaque') return this.#tree.pruneChildren(directory, this.#layer);
    const dentry = this.#tree.lookup(directory, this.#paths, start + WHITEOUT_PREFIX_LENGTH, end);
    if (dentry !== NONE) this.#tree.pruneLower(dentry, this.#layer);
  }

  #isLastParent(start: number, end: number): boolean {
    if (end - start !== this.#parentEnd - this.#parentStart) return false;
    const shift = this.#parentStart - start;
    for (let i = end - 1; i >= start; i--) if (this.#paths[i] !== this.#paths[i + shift]) return false;
    return true;
  }

  #parentOf(start: number, end: number): number {
    if (this.#parentGeneration === this.#tree.generation && this.#isLastParent(start, end)) return this.#parent;
    this.#parent = resolveDirectory(this.#create, this.#paths, start, end);
    this.#parentStart = start;
    this.#parentEnd = end;
    this.#parentGeneration = this.#tree.generation;
    return this.#parent;
  }

  #applyEntry(directory: number, start: number, end: number): void {
    const tree = this.#tree;
    const type = this.#index.type[this.#entry] as EntryType;
    if (type === EntryType.hardLink) return this.#applyLink(directory, start, end);
    const existing = tree.lookup(directory, this.#paths, start, end);
    if (type === EntryType.directory && existing !== NONE) {
      const inode = tree.dentryInode.values[existing] as number;
      if (tree.isDirectory(inode)) {
        tree.setAttributes(inode, this.#layer, this.#entry);
        return this.#confirm(existing);
      }
    }
    if (existing !== NONE) tree.unlink(existing, this.#layer);
    tree.link(directory, tree.addInode(type, this.#layer, this.#entry), this.#layer, this.#paths, start, end);
  }

  /** Notes that this layer, too, has the name. */
  #confirm(dentry: number): void {
    this.#tree.dentryLayer.values[dentry] = this.#layer;
  }

  /** Makes the current entry, a hard link, a name of its target, or of a placeholder where there is no target yet. */
  #applyLink(directory: number, start: number, end: number): void {
    const tree = this.#tree;
    let inode = this.#linkTarget(entryLinkPathBytes(this.#index, this.#entry));
    if (inode === NONE) {
      inode = tree.addInode(EntryType.hardLink, this.#layer, this.#entry);
      this.#placeholders.push(inode);
    }
    this.#refuseDirectory(inode);
    const existing = tree.lookup(directory, this.#paths, start, end);
    if (existing !== NONE && tree.dentryInode.values[existing] === inode) return this.#confirm(existing);
    // The new name comes first: what it replaces may be the only other one of the inode.
    const dentry = tree.link(directory, inode, this.#layer, this.#paths, start, end);
    if (existing !== NONE) tree.unlink(existing, this.#layer);
    if (tree.inodeType.values[inode] === EntryType.hardLink) this.#placeholderDentries.push(dentry);
  }

  #refuseDirectory(inode: number): void {
    if (!this.#tree.isDirectory(inode)) return;
    throw new ImageError('layer-unsupported', 'a hard link to a directory', this.#context());
  }

  #linkTarget(path: Uint8Array): number {
    if (path.length === 0) return ROOT;
    const name = startOfLastName(path, 0, path.length);
    const directory = resolveDirectory(this.#find, path, 0, Math.max(name - 1, 0));
    const dentry = directory === NONE ? NONE : this.#tree.lookup(directory, path, name);
    return dentry === NONE ? NONE : (this.#tree.dentryInode.values[dentry] as number);
  }

  /** Gives the names of placeholders the inodes that the layer has for them by now. */
  #resolveLinks(): void {
    const tree = this.#tree;
    const resolved = new Map<number, number>();
    for (const placeholder of this.#placeholders) this.#resolvePlaceholder(placeholder, resolved);
    for (const dentry of this.#placeholderDentries) {
      const placeholder = tree.dentryInode.values[dentry] as number;
      if (placeholder !== NONE) tree.relink(dentry, resolved.get(placeholder) as number);
    }
  }

  /** Follows a placeholder from target to target; every one on the way has the same inode. */
  #resolvePlaceholder(placeholder: number, resolved: Map<number, number>): void {
    const tree = this.#tree;
    const passed: number[] = [];
    let inode = placeholder;
    while (inode !== NONE && tree.inodeType.values[inode] === EntryType.hardLink && !resolved.has(inode)) {
      resolved.set(inode, NONE);
      passed.push(inode);
      this.#entry = tree.inodeEntry.values[inode] as number;
      inode = this.#linkTarget(entryLinkPathBytes(this.#index, this.#entry));
    }
    inode = resolved.get(inode) ?? inode;
    if (inode === NONE) throw this.#targetMissing();
    this.#refuseDirectory(inode);
    for (const each of passed) resolved.set(each, inode);
  }

  #targetMissing(): ImageError {
    const target = displayName(byteString(entryLinkPathBytes(this.#index, this.#entry)));
    return new ImageError('link-target-missing', `a hard link to ${target}, which does not exist`, this.#context());
  }

  #context(): ImageErrorContext {
    return {
      layer: this.#layer,
      path: displayName(entryPath(this.#index, this.#entry)),
      offset: this.#index.headerOffset[this.#entry],
    };
  }
}

/** Where the last name of the path between `start` and `end` begins. */
function startOfLastName(bytes: Uint8Array, start: number, end: number): number {
  let name = end;
  while (name > start && bytes[name - 1] !== SLASH) name--;
  return name;
}
