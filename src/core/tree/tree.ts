import { type ByteString, byteString, displayName } from '../bytes.ts';
import { type Column, u8Column, u32Column } from '../columns.ts';
import { EntryType } from '../layer/entry.ts';
import { entryLinkPathBytes, type LayerIndex } from '../layer/layer-index.ts';
import type { HashKey } from './name-hash.ts';
import { NameTable } from './name-table.ts';
import { NONE } from './none.ts';

export { NONE };
/** The inode of the root directory. */
export const ROOT = 0;
/** For how many directories that no entry describes there is room from the start, as a part of the entries. */
const IMPLIED_DIRECTORIES = 1 / 8;
/** How much of a path is shown to people, in bytes. */
const DISPLAY_BYTES_MAX = 1024;

/**
 * The tree that layers make: dentries (names in directories) and inodes (what they name), each a row of columns.
 * Inodes are numbered from 0 in the order in which they were made, which is layer order, then the layer's own order;
 * a number is never used again, so what a higher layer does moves no inode of a lower one.
 */
export class Tree {
  readonly layers: readonly LayerIndex[];

  /** The directory inode that a dentry stands in. */
  readonly dentryDirectory: Column<Uint32Array>;
  /** The inode that it names; NONE once it is removed. */
  readonly dentryInode: Column<Uint32Array>;
  readonly dentryNameStart: Column<Uint32Array>;
  readonly dentryNameLength: Column<Uint8Array>;
  /** The layer that last made or confirmed it. */
  readonly dentryLayer: Column<Uint32Array>;
  readonly #dentryNext: Column<Uint32Array>;
  readonly names: Column<Uint8Array>;

  /** An EntryType; hardLink only for what stands for a link's target until its layer ends. */
  readonly inodeType: Column<Uint8Array>;
  /** Where its attributes are: a layer and an entry in it; the layer is NONE for a directory that no entry describes. */
  readonly inodeLayer: Column<Uint32Array>;
  readonly inodeEntry: Column<Uint32Array>;
  /** How many dentries name it; 0 once it is gone. The root counts 1. */
  readonly inodeDentries: Column<Uint32Array>;
  /** Whether the layer that made it also removed it: no layer above ever saw it. */
  readonly #isPassing: Column<Uint8Array>;
  /** By inode, for a directory: its row in the columns of directories. */
  readonly #directory: Column<Uint32Array>;

  /** A directory's own dentry; NONE for the root. */
  readonly #directoryDentry = u32Column();
  /** The newest of its dentries that is not known to be removed. */
  readonly #firstDentry = u32Column();
  /** Of all the dentries that it ever had the one with the greatest name: what sorts behind that is not there. */
  readonly #greatestDentry = u32Column();
  /** The first of all dentries that, if it were one of its own, would not be in the table of names. */
  readonly #tabulatedDentries = u32Column();
  /** The last layer that changed its names. */
  readonly #directoryLayer = u32Column();
  /** The layer in which everything lower was removed from it. */
  readonly #prunedLayer = u32Column();

  /** By layer that has ended: the first inode that it made. */
  readonly layerStarts: number[] = [];

  /** Grows whenever a directory or a symlink loses a name: what was resolved before may be elsewhere now. */
  generation = 0;

  readonly #nameTable: NameTable;
  #dentryOf: Uint32Array | undefined;

  constructor(layers: readonly LayerIndex[], key: HashKey) {
    this.layers = layers;
    const entries = layers.reduce((sum, { count }) => sum + count, 0);
    const capacity = Math.ceil(entries * (1 + IMPLIED_DIRECTORIES)) + 64;
    this.dentryDirectory = u32Column(capacity);
    this.dentryInode = u32Column(capacity);
    this.dentryNameStart = u32Column(capacity);
    this.dentryNameLength = u8Column(capacity);
    this.dentryLayer = u32Column(capacity);
    this.#dentryNext = u32Column(capacity);
    this.names = u8Column(layers.reduce((sum, { pathBytes }) => sum + pathBytes.length, 64));
    this.inodeType = u8Column(capacity);
    this.inodeLayer = u32Column(capacity);
    this.inodeEntry = u32Column(capacity);
    this.inodeDentries = u32Column(capacity);
    this.#isPassing = u8Column(capacity);
    this.#directory = u32Column(capacity);
    this.#nameTable = new NameTable(this, key);
    this.addInode(EntryType.directory, NONE, 0);
    this.inodeDentries.values[ROOT] = 1;
  }

  get inodeCount(): number {
    return this.inodeType.length;
  }

  get dentryCount(): number {
    return this.dentryInode.length;
  }

  isDirectory(inode: number): boolean {
    return this.inodeType.values[inode] === EntryType.directory;
  }

  addInode(type: EntryType, layer: number, entry: number): number {
    this.inodeLayer.push(layer);
    this.inodeEntry.push(entry);
    this.inodeDentries.push(0);
    this.#isPassing.push(0);
    this.#directory.push(type === EntryType.directory ? this.#addDirectory() : NONE);
    return this.inodeType.push(type);
  }

  #addDirectory(): number {
    this.#firstDentry.push(NONE);
    this.#greatestDentry.push(NONE);
    this.#tabulatedDentries.push(0);
    this.#directoryLayer.push(0);
    this.#prunedLayer.push(NONE);
    return this.#directoryDentry.push(NONE);
  }

  /** Ends a layer, whose inodes are those from `first` on. */
  endLayer(first: number): void {
    this.layerStarts.push(first);
    for (let inode = first; inode < this.inodeCount; inode++) {
      if (this.inodeDentries.values[inode] === 0) this.#isPassing.values[inode] = 1;
    }
  }

  /** Whether an inode is, or once was, part of what a whole layer left. */
  isLasting(inode: number): boolean {
    return this.#isPassing.values[inode] === 0;
  }

  /** The last layer that changed a directory's names. */
  directoryLayer(directory: number): number {
    return this.#of(this.#directoryLayer, directory);
  }

  /** Gives an inode the attributes of another entry. */
  setAttributes(inode: number, layer: number, entry: number): void {
    this.inodeLayer.values[inode] = layer;
    this.inodeEntry.values[inode] = entry;
  }

  /** The dentry of a name in `directory`, or NONE; the name is all of `bytes`, or its part between `start` and `end`. */
  lookup(directory: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    // Most layers have names in order: a new one is the greatest, and one with parents stands in the greatest of each.
    const greatest = this.#of(this.#greatestDentry, directory);
    const order = greatest === NONE ? 1 : this.#compare(bytes, start, end, greatest);
    if (order > 0) return NONE;
    if (order === 0 && this.dentryInode.values[greatest] !== NONE) return greatest;
    const found = this.#nameTable.find(directory, bytes, start, end);
    if (found !== NONE || !this.#tabulate(directory)) return found;
    return this.#nameTable.find(directory, bytes, start, end);
  }

  /** Adds to the table of names those of a directory that are not there; returns whether there were any. */
  #tabulate(directory: number): boolean {
    const from = this.#of(this.#tabulatedDentries, directory);
    let dentry = this.#of(this.#firstDentry, directory);
    if (dentry === NONE || dentry < from) return false;
    this.#set(this.#tabulatedDentries, directory, dentry + 1);
    for (; dentry !== NONE && dentry >= from; dentry = this.#dentryNext.values[dentry] as number) {
      if (this.dentryInode.values[dentry] === NONE) continue;
      const start = this.dentryNameStart.values[dentry] as number;
      const end = start + (this.dentryNameLength.values[dentry] as number);
      this.#nameTable.add(dentry, directory, this.names.values, start, end);
    }
    return true;
  }

  /** Makes a dentry; `directory` must not hold the name, which is all of `bytes`, or its part between `start` and `end`. */
  link(directory: number, inode: number, layer: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    this.#dentryOf = undefined;
    const nameStart = this.names.extend(end - start);
    const names = this.names.values;
    for (let i = start; i < end; i++) names[nameStart + i - start] = bytes[i] as number;
    this.dentryDirectory.push(directory);
    this.dentryInode.push(inode);
    this.dentryNameStart.push(nameStart);
    this.dentryLayer.push(layer);
    const row = this.#directory.values[directory] as number;
    const first = this.#firstDentry.values[row] as number;
    this.#dentryNext.push(first);
    const dentry = this.dentryNameLength.push(end - start);
    this.#firstDentry.values[row] = dentry;
    this.#directoryLayer.values[row] = layer;
    const greatest = this.#greatestDentry.values[row] as number;
    if (greatest === NONE || this.#compare(bytes, start, end, greatest) >= 0) this.#greatestDentry.values[row] = dentry;
    this.inodeDentries.values[inode] = (this.inodeDentries.values[inode] as number) + 1;
    if (this.isDirectory(inode)) this.#set(this.#directoryDentry, inode, dentry);
    // Where names are looked for in the table anyway, this one is added now, while its hash is known.
    const tabulated = this.#tabulatedDentries.values[row] as number;
    if (tabulated > 0 && (first === NONE || first < tabulated)) {
      this.#tabulatedDentries.values[row] = dentry + 1;
      this.#nameTable.add(dentry, directory, bytes, start, end);
    }
    return dentry;
  }

  /** Makes a dentry name another inode; neither is a directory. */
  relink(dentry: number, inode: number): void {
    const before = this.dentryInode.values[dentry] as number;
    this.#dentryOf = undefined;
    this.dentryInode.values[dentry] = inode;
    this.inodeDentries.values[before] = (this.inodeDentries.values[before] as number) - 1;
    this.inodeDentries.values[inode] = (this.inodeDentries.values[inode] as number) + 1;
  }

  /** Removes a dentry, with everything below it when it names a directory. */
  unlink(dentry: number, layer: number): void {
    this.#dentryOf = undefined;
    const gone = this.#subtree(dentry);
    for (const each of gone) {
      const inode = this.dentryInode.values[each] as number;
      const type = this.inodeType.values[inode];
      if (type === EntryType.directory || type === EntryType.symlink) this.generation++;
      this.inodeDentries.values[inode] = (this.inodeDentries.values[inode] as number) - 1;
      this.dentryInode.values[each] = NONE;
    }
    this.#set(this.#directoryLayer, this.dentryDirectory.values[dentry] as number, layer);
  }

  /** Removes from `directory` what lower layers than `layer` put there; names that `layer` itself made stay. */
  pruneChildren(directory: number, layer: number): void {
    if (this.#of(this.#prunedLayer, directory) === layer) return;
    this.#set(this.#prunedLayer, directory, layer);
    for (const child of this.children(directory)) this.pruneLower(child, layer);
  }

  /** Removes a dentry as far as lower layers than `layer` made it; a directory that keeps names loses its lower attributes. */
  pruneLower(dentry: number, layer: number): void {
    const subtree = this.#subtree(dentry, layer);
    for (const each of subtree.reverse()) {
      const inode = this.dentryInode.values[each] as number;
      const directory = this.isDirectory(inode);
      if (directory) this.#set(this.#prunedLayer, inode, layer);
      if (this.dentryLayer.values[each] === layer) continue;
      if (directory && this.#hasChildren(inode)) {
        this.setAttributes(inode, NONE, 0);
        this.dentryLayer.values[each] = layer;
      } else {
        this.unlink(each, layer);
      }
    }
  }

  /** The live dentries of a directory, newest first. */
  children(directory: number): number[] {
    const found: number[] = [];
    let dentry = this.#of(this.#firstDentry, directory);
    for (; dentry !== NONE; dentry = this.#dentryNext.values[dentry] as number) {
      if (this.dentryInode.values[dentry] !== NONE) found.push(dentry);
    }
    return found;
  }

  /** The directory that holds `directory`; the root holds itself. */
  parent(directory: number): number {
    const dentry = this.#of(this.#directoryDentry, directory);
    return dentry === NONE ? ROOT : (this.dentryDirectory.values[dentry] as number);
  }

  nameBytes(dentry: number): Uint8Array {
    const start = this.dentryNameStart.values[dentry] as number;
    return this.names.values.subarray(start, start + (this.dentryNameLength.values[dentry] as number));
  }

  /** The text of a symlink inode. */
  symlinkTarget(inode: number): Uint8Array {
    const layer = this.layers[this.inodeLayer.values[inode] as number] as LayerIndex;
    return entryLinkPathBytes(layer, this.inodeEntry.values[inode] as number);
  }

  /** One of the dentries that name an inode, the oldest; NONE for the root. */
  dentryOf(inode: number): number {
    this.#dentryOf ??= this.#indexDentries();
    return this.#dentryOf[inode] as number;
  }

  /** The path of a dentry from the root, without a leading slash. */
  path(dentry: number): ByteString {
    const names: ByteString[] = [];
    for (let at = dentry; at !== NONE; ) {
      names.push(byteString(this.nameBytes(at)));
      at = this.#parentDentry(at);
    }
    return names.reverse().join('/');
  }

  /** A dentry's path for people; of a very long one the end. */
  displayPath(dentry: number): string {
    const names: ByteString[] = [];
    let at = dentry;
    for (let length = 0; at !== NONE && length < DISPLAY_BYTES_MAX; length += names.at(-1)!.length + 1) {
      names.push(byteString(this.nameBytes(at)));
      at = this.#parentDentry(at);
    }
    const path = displayName(names.reverse().join('/'), Number.POSITIVE_INFINITY);
    return at === NONE ? path : `…/${path}`;
  }

  /** The path of an inode for people, `''` for the root. */
  displayInode(inode: number): string {
    const dentry = this.isDirectory(inode) ? this.#of(this.#directoryDentry, inode) : this.dentryOf(inode);
    return dentry === NONE ? '' : this.displayPath(dentry);
  }

  /** The dentry of the directory that holds a dentry; NONE for the root. */
  #parentDentry(dentry: number): number {
    return this.#of(this.#directoryDentry, this.dentryDirectory.values[dentry] as number);
  }

  #indexDentries(): Uint32Array {
    const found = new Uint32Array(this.inodeCount).fill(NONE);
    for (let dentry = this.dentryCount - 1; dentry >= 0; dentry--) {
      const inode = this.dentryInode.values[dentry] as number;
      if (inode !== NONE) found[inode] = dentry;
    }
    return found;
  }

  #hasChildren(directory: number): boolean {
    let dentry = this.#of(this.#firstDentry, directory);
    while (dentry !== NONE && this.dentryInode.values[dentry] === NONE)
      dentry = this.#dentryNext.values[dentry] as number;
    this.#set(this.#firstDentry, directory, dentry);
    return dentry !== NONE;
  }

  /** `dentry` and everything live below it, parents first; a directory pruned in `pruned` is not entered. */
  #subtree(dentry: number, pruned: number = NONE): number[] {
    const found = [dentry];
    for (let i = 0; i < found.length; i++) {
      const inode = this.dentryInode.values[found[i] as number] as number;
      if (!this.isDirectory(inode)) continue;
      if (pruned !== NONE && this.#of(this.#prunedLayer, inode) === pruned) continue;
      for (const child of this.children(inode)) found.push(child);
    }
    return found;
  }

  /** Compares the name between `start` and `end` of `bytes` with that of a dentry: negative, 0 or positive, in byte order. */
  #compare(bytes: Uint8Array, start: number, end: number, dentry: number): number {
    const names = this.names.values;
    const at = this.dentryNameStart.values[dentry] as number;
    const length = this.dentryNameLength.values[dentry] as number;
    const common = Math.min(length, end - start);
    for (let i = 0; i < common; i++) {
      const difference = (bytes[start + i] as number) - (names[at + i] as number);
      if (difference !== 0) return difference;
    }
    return end - start - length;
  }

  /** What a column of directories has of a directory inode. */
  #of(column: Column<Uint32Array>, directory: number): number {
    return column.values[this.#directory.values[directory] as number] as number;
  }

  #set(column: Column<Uint32Array>, directory: number, value: number): void {
    column.values[this.#directory.values[directory] as number] = value;
  }
}
