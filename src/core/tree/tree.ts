import { type ByteString, byteString, displayName } from '../bytes.ts';
import { type Column, u8Column, u32Column } from '../columns.ts';
import { EntryType } from '../layer/entry.ts';
import { entryLinkPathBytes, type LayerIndex } from '../layer/layer-index.ts';
import { type HashKey, nameHash } from './name-hash.ts';

/** No inode, no dentry, no layer. */
export const NONE = 0xffff_ffff;
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
  /** A directory's own dentry; NONE for the root and for everything else. */
  readonly #directoryDentry: Column<Uint32Array>;
  readonly #firstDentry: Column<Uint32Array>;
  /** The last layer that changed a directory's names. */
  readonly directoryLayer: Column<Uint32Array>;
  /** The layer in which everything lower was removed from a directory. */
  readonly #prunedLayer: Column<Uint32Array>;

  /** By layer that has ended: the first inode that it made. */
  readonly layerStarts: number[] = [];

  /** Grows whenever a directory or a symlink loses a name: what was resolved before may be elsewhere now. */
  generation = 0;

  readonly #key: HashKey;
  #slots: Uint32Array;
  #slotsUsed = 0;
  /** The last name that was looked up, and its hash: a name that is not there is made next. */
  readonly #last: { directory: number; bytes: Uint8Array; start: number; end: number; hash: number };
  #dentryOf: Uint32Array | undefined;

  constructor(layers: readonly LayerIndex[], key: HashKey) {
    this.layers = layers;
    this.#key = key;
    this.#last = { directory: NONE, bytes: new Uint8Array(0), start: 0, end: 0, hash: 0 };
    // Room for every entry's name from the start: a table that grows would hash each of them again and again.
    const entries = layers.reduce((sum, { count }) => sum + count, 0);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * entries + 256))).fill(NONE);
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
    this.#directoryDentry = u32Column(capacity);
    this.#firstDentry = u32Column(capacity);
    this.directoryLayer = u32Column(capacity);
    this.#prunedLayer = u32Column(capacity);
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
    this.#directoryDentry.push(NONE);
    this.#firstDentry.push(NONE);
    this.directoryLayer.push(0);
    this.#prunedLayer.push(NONE);
    return this.inodeType.push(type);
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

  /** Gives an inode the attributes of another entry. */
  setAttributes(inode: number, layer: number, entry: number): void {
    this.inodeLayer.values[inode] = layer;
    this.inodeEntry.values[inode] = entry;
  }

  /** The dentry of a name in `directory`, or NONE; the name is all of `bytes`, or its part between `start` and `end`. */
  lookup(directory: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(directory, bytes, start, end) & mask;
    for (;;) {
      const dentry = this.#slots[slot] as number;
      if (dentry === NONE) return NONE;
      if (this.dentryInode.values[dentry] !== NONE && this.#is(dentry, directory, bytes, start, end)) return dentry;
      slot = (slot + 1) & mask;
    }
  }

  /** Makes a dentry; `directory` must not hold the name, which is all of `bytes`, or its part between `start` and `end`. */
  link(directory: number, inode: number, layer: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    if (2 * (this.#slotsUsed + 1) > this.#slots.length) this.#rehash();
    this.#dentryOf = undefined;
    const hash = this.#hash(directory, bytes, start, end);
    const nameStart = this.names.extend(end - start);
    const names = this.names.values;
    for (let i = start; i < end; i++) names[nameStart + i - start] = bytes[i] as number;
    this.dentryDirectory.push(directory);
    this.dentryInode.push(inode);
    this.dentryNameStart.push(nameStart);
    this.dentryLayer.push(layer);
    this.#dentryNext.push(this.#firstDentry.values[directory] as number);
    const dentry = this.dentryNameLength.push(end - start);
    this.#firstDentry.values[directory] = dentry;
    this.directoryLayer.values[directory] = layer;
    this.inodeDentries.values[inode] = (this.inodeDentries.values[inode] as number) + 1;
    if (this.isDirectory(inode)) this.#directoryDentry.values[inode] = dentry;
    this.#place(dentry, hash);
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
    this.directoryLayer.values[this.dentryDirectory.values[dentry] as number] = layer;
  }

  /** Removes from `directory` what lower layers than `layer` put there; names that `layer` itself made stay. */
  pruneChildren(directory: number, layer: number): void {
    if (this.#prunedLayer.values[directory] === layer) return;
    this.#prunedLayer.values[directory] = layer;
    for (const child of this.children(directory)) this.pruneLower(child, layer);
  }

  /** Removes a dentry as far as lower layers than `layer` made it; a directory that keeps names loses its lower attributes. */
  pruneLower(dentry: number, layer: number): void {
    const subtree = this.#subtree(dentry, layer);
    for (const each of subtree.reverse()) {
      const inode = this.dentryInode.values[each] as number;
      const directory = this.isDirectory(inode);
      if (directory) this.#prunedLayer.values[inode] = layer;
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
    let dentry = this.#firstDentry.values[directory] as number;
    for (; dentry !== NONE; dentry = this.#dentryNext.values[dentry] as number) {
      if (this.dentryInode.values[dentry] !== NONE) found.push(dentry);
    }
    return found;
  }

  /** The directory that holds `directory`; the root holds itself. */
  parent(directory: number): number {
    const dentry = this.#directoryDentry.values[directory] as number;
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
    const dentry = this.isDirectory(inode) ? (this.#directoryDentry.values[inode] as number) : this.dentryOf(inode);
    return dentry === NONE ? '' : this.displayPath(dentry);
  }

  /** The dentry of the directory that holds a dentry; NONE for the root. */
  #parentDentry(dentry: number): number {
    return this.#directoryDentry.values[this.dentryDirectory.values[dentry] as number] as number;
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
    let dentry = this.#firstDentry.values[directory] as number;
    while (dentry !== NONE && this.dentryInode.values[dentry] === NONE)
      dentry = this.#dentryNext.values[dentry] as number;
    this.#firstDentry.values[directory] = dentry;
    return dentry !== NONE;
  }

  /** `dentry` and everything live below it, parents first; a directory pruned in `pruned` is not entered. */
  #subtree(dentry: number, pruned: number = NONE): number[] {
    const found = [dentry];
    for (let i = 0; i < found.length; i++) {
      const inode = this.dentryInode.values[found[i] as number] as number;
      if (!this.isDirectory(inode)) continue;
      if (pruned !== NONE && this.#prunedLayer.values[inode] === pruned) continue;
      for (const child of this.children(inode)) found.push(child);
    }
    return found;
  }

  #is(dentry: number, directory: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.dentryDirectory.values[dentry] !== directory) return false;
    if (this.dentryNameLength.values[dentry] !== end - start) return false;
    const names = this.names.values;
    let at = this.dentryNameStart.values[dentry] as number;
    for (let i = start; i < end; i++) if (names[at++] !== bytes[i]) return false;
    return true;
  }

  #hash(directory: number, bytes: Uint8Array, start: number, end: number): number {
    const last = this.#last;
    if (last.directory !== directory || last.start !== start || last.end !== end || last.bytes !== bytes) {
      last.directory = directory;
      last.bytes = bytes;
      last.start = start;
      last.end = end;
      last.hash = nameHash(this.#key, directory, bytes, start, end - start);
    }
    return last.hash;
  }

  #place(dentry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== NONE; slot = (slot + 1) & mask) {
      // A removed dentry's slot is taken over: else one name, made again and again, would make all its lookups long.
      if (this.dentryInode.values[this.#slots[slot] as number] === NONE) break;
    }
    if (this.#slots[slot] === NONE) this.#slotsUsed++;
    this.#slots[slot] = dentry;
  }

  /** Drops removed dentries from the table, and doubles it when the live ones need it. */
  #rehash(): void {
    const live = this.#slots.filter((dentry) => dentry !== NONE && this.dentryInode.values[dentry] !== NONE);
    let size = this.#slots.length;
    while (size < 4 * (live.length + 1)) size *= 2;
    this.#slots = new Uint32Array(size).fill(NONE);
    this.#slotsUsed = 0;
    for (const dentry of live) {
      const directory = this.dentryDirectory.values[dentry] as number;
      const start = this.dentryNameStart.values[dentry] as number;
      const length = this.dentryNameLength.values[dentry] as number;
      this.#place(dentry, nameHash(this.#key, directory, this.names.values, start, length));
    }
  }
}
