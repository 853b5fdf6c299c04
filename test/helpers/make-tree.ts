import { byteString, displayName } from '../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../src/core/layer/entry.ts';
import { type LayerIndex, LayerIndexBuilder } from '../../src/core/layer/layer-index.ts';
import { applyLayer } from '../../src/core/tree/apply.ts';
import type { HashKey } from '../../src/core/tree/name-hash.ts';
import { orderNames } from '../../src/core/tree/order.ts';
import type { SymlinkedParents } from '../../src/core/tree/resolve.ts';
import { NONE, ROOT, Tree } from '../../src/core/tree/tree.ts';

/** An entry by its path and what differs from an empty file; the path of a directory ends in a slash. */
export type EntryCase = Partial<Omit<LayerEntry, 'path'>> & { readonly path: string };

/** A file, told from others by its size; a directory for a path that ends in a slash. */
export const put = (path: string, size = 0, more: Partial<LayerEntry> = {}): EntryCase => ({ size, ...more, path });
/** A directory, told from others by its mode. */
export const directory = (path: string, mode = 0o755): EntryCase => ({ path, type: EntryType.directory, mode });
export const symlink = (path: string, linkPath: string): EntryCase => ({ path, type: EntryType.symlink, linkPath });
export const link = (path: string, linkPath: string): EntryCase => ({ path, type: EntryType.hardLink, linkPath });

function makeIndex(entries: readonly EntryCase[]): LayerIndex {
  const builder = new LayerIndexBuilder();
  entries.forEach((entry, i) => builder.add(makeEntry(entry, i)));
  return builder.finish();
}

function makeEntry({ path, ...more }: EntryCase, number: number): LayerEntry {
  return {
    type: path.endsWith('/') ? EntryType.directory : EntryType.file,
    linkPath: '',
    mode: path.endsWith('/') ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    size: 0,
    dataOffset: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    headerOffset: 512 * number,
    ...more,
    path: path.replace(/\/$/, ''),
  };
}

export const KEY: HashKey = [1, 2];

/** The tree that layers make. */
export function makeTree(
  layers: readonly (readonly EntryCase[])[],
  symlinkedParents: SymlinkedParents = 'follow',
  key = KEY,
): Tree {
  const tree = new Tree(layers.map(makeIndex), key);
  layers.forEach((_, layer) => applyLayer(tree, layer, symlinkedParents));
  return tree;
}

/**
 * A tree as lines in byte order: a file `path SIZE`, a symlink `path -> target`, a directory `path/ MODE` (`filler` for one that
 * no entry describes), a device or fifo `path TYPE`; with ` xN` for an inode of N names.
 */
export function show(tree: Tree): string[] {
  const names = orderNames(tree);
  const lines: string[] = [];
  const pending = [ROOT];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (let i = names.start[parent]!; i < names.start[parent + 1]!; i++) {
      const dentry = names.dentries[i]!;
      const inode = tree.dentryInode.values[dentry]!;
      if (tree.isDirectory(inode)) pending.push(inode);
      lines.push(`${displayName(tree.path(dentry))}${showInode(tree, inode)}`);
    }
  }
  return lines.sort((a, b) => (a < b ? -1 : 1));
}

function showInode(tree: Tree, inode: number): string {
  const layer = tree.inodeLayer.values[inode]!;
  const entry = tree.inodeEntry.values[inode]!;
  const type = tree.inodeType.values[inode]!;
  const names = tree.inodeDentries.values[inode]! > 1 ? ` x${tree.inodeDentries.values[inode]}` : '';
  if (type === EntryType.directory) {
    return layer === NONE ? '/ filler' : `/ ${tree.layers[layer]!.mode[entry]!.toString(8)}`;
  }
  if (type === EntryType.symlink) return ` -> ${displayName(byteString(tree.symlinkTarget(inode)))}${names}`;
  if (type === EntryType.file) return ` ${tree.layers[layer]!.size[entry]}${names}`;
  return ` type ${type}${names}`;
}
