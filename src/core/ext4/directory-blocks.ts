import { crc32c } from 'ext2fs-wasm';
import { EntryType } from '../layer/entry.ts';
import { BlockReader, lastAtMost } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import type { Tree } from '../tree/tree.ts';
import { inodeSeed } from './checksums.ts';
import { type DirectoryLayout, DOTS_LENGTH, leafCapacity, LINEAR, recordLength } from './directory.ts';
import type { Features } from './features.ts';
import {
  DirectoryEntry,
  DirectoryEntryTail,
  DX_NODE_ENTRIES_OFFSET,
  DX_ROOT_ENTRIES_OFFSET,
  DX_ROOT_INFO_OFFSET,
  DxCountLimit,
  DxEntry,
  DxRootInfo,
  DxTail,
  EXT4_FT_DIR_CSUM,
} from './format/directory-entry.ts';
import { indexLevels, nodeEntriesMax, rootEntriesMax } from './htree.ts';
import type { Numbering } from './numbering.ts';

/** dx_root_info.hash_version of half-MD4; s_flags says that it is the unsigned one. */
const DX_HASH_HALF_MD4 = 1;

/** One dx_entry: names from `hash` on are below `block`, counted in the directory. */
interface IndexEntry {
  readonly hash: number;
  readonly block: number;
}

/** The blocks of all directories, made when they are read. */
export class DirectoryBlocks implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #tree: Tree;
  readonly #layout: DirectoryLayout;
  readonly #numbering: Numbering;
  readonly #blockSize: number;
  /** What a leaf holds of entries, in bytes. */
  readonly #capacity: number;
  readonly #reader: BlockReader;

  constructor(tree: Tree, layout: DirectoryLayout, numbering: Numbering, blockSize: number, features: Features) {
    this.#tree = tree;
    this.#layout = layout;
    this.#numbering = numbering;
    this.#blockSize = blockSize;
    this.#capacity = leafCapacity(blockSize, features);
    this.labelUnit = blockSize;
    this.length = layout.length * blockSize;
    this.#reader = new BlockReader(blockSize, (block, target, view) => this.#make(block, target, view));
  }

  read(offset: number, target: Uint8Array): void {
    this.#reader.read(offset, target);
  }

  label(offset: number): string {
    const directory = this.#layout.directories[this.#position(Math.floor(offset / this.#blockSize))]!;
    return `directory /${this.#tree.displayInode(directory)}`;
  }

  #position(block: number): number {
    return lastAtMost(this.#layout.firstBlock, this.#layout.directories.length, block);
  }

  #make(block: number, target: Uint8Array, view: DataView): void {
    const position = this.#position(block);
    const within = block - this.#layout.firstBlock[position]!;
    const nodes = this.#layout.nodes[position]!;
    const directory = this.#layout.directories[position]!;
    const seed = inodeSeed(this.#numbering.ino[directory]!);
    if (nodes === LINEAR) this.#writeLeaf(position, within, within === 0, seed, target, view);
    else if (within === 0) this.#writeRoot(position, seed, target, view);
    else if (within <= nodes) this.#writeNode(position, within - 1, seed, target, view);
    else this.#writeLeaf(position, within - 1 - nodes, false, seed, target, view);
  }

  #writeLeaf(position: number, leaf: number, dots: boolean, seed: number, target: Uint8Array, view: DataView): void {
    const index = this.#layout.firstLeaf[position]! + leaf;
    const start = this.#layout.leafStart[index]!;
    const end = this.#layout.leafEnd[index]!;
    const capacity = this.#capacity;
    let at = 0;
    let last = 0;
    if (dots) {
      this.#writeDots(position, DOTS_LENGTH / 2, view);
      last = DOTS_LENGTH / 2;
      at = DOTS_LENGTH;
    }
    for (let i = start; i < end; i++) {
      last = at;
      at += writeEntry(this.#tree, this.#numbering, this.#layout.dentries[i]!, at, target, view);
    }
    view.setUint16(last + DirectoryEntry.fields.rec_len.offset, capacity - last, true);
    if (capacity === this.#blockSize) return;
    const det_checksum = crc32c(seed, target.subarray(0, capacity));
    DirectoryEntryTail.write(view, capacity, {
      det_rec_len: DirectoryEntryTail.size,
      det_reserved_ft: EXT4_FT_DIR_CSUM,
      det_checksum,
    });
  }

  /** `.` and `..`, the second of `parentLength` bytes. */
  #writeDots(position: number, parentLength: number, view: DataView): void {
    const directory = this.#layout.directories[position]!;
    const half = DOTS_LENGTH / 2;
    const ino = this.#numbering.ino;
    const file_type = EntryType.directory;
    DirectoryEntry.write(view, 0, { inode: ino[directory]!, rec_len: half, name_len: 1, file_type });
    const parent = ino[this.#tree.parent(directory)]!;
    DirectoryEntry.write(view, half, { inode: parent, rec_len: parentLength, name_len: 2, file_type });
    view.setUint8(DirectoryEntry.size, 0x2e);
    view.setUint16(half + DirectoryEntry.size, 0x2e2e, true);
  }

  #writeRoot(position: number, seed: number, target: Uint8Array, view: DataView): void {
    this.#writeDots(position, this.#blockSize - DOTS_LENGTH / 2, view);
    const levels = this.#indexLevels(position);
    DxRootInfo.write(view, DX_ROOT_INFO_OFFSET, {
      hash_version: DX_HASH_HALF_MD4,
      info_length: DxRootInfo.size,
      indirect_levels: levels.length,
    });
    const entries = this.#entriesOf(position, levels, 0, 0, levels[0] ?? this.#leafCount(position));
    writeIndex(entries, rootEntriesMax(this.#blockSize), DX_ROOT_ENTRIES_OFFSET, seed, target, view);
  }

  /** Writes dx_node number `node` of a directory's, which stand level by level. */
  #writeNode(position: number, node: number, seed: number, target: Uint8Array, view: DataView): void {
    DirectoryEntry.write(view, 0, { rec_len: this.#blockSize });
    const limit = nodeEntriesMax(this.#blockSize);
    const levels = this.#indexLevels(position);
    let below = 1;
    let first = 0;
    for (; node >= first + levels[below - 1]!; below++) first += levels[below - 1]!;
    const from = (node - first) * limit;
    const to = Math.min(from + limit, levels[below] ?? this.#leafCount(position));
    writeIndex(this.#entriesOf(position, levels, below, from, to), limit, DX_NODE_ENTRIES_OFFSET, seed, target, view);
  }

  #indexLevels(position: number): readonly number[] {
    return indexLevels(this.#leafCount(position), this.#blockSize)!;
  }

  #leafCount(position: number): number {
    return this.#layout.firstLeaf[position + 1]! - this.#layout.firstLeaf[position]!;
  }

  /** The entries for blocks `from` to `to` of a level of nodes, or of the leaves, which are the level behind the last. */
  #entriesOf(position: number, levels: readonly number[], level: number, from: number, to: number): IndexEntry[] {
    const firstLeaf = this.#layout.firstLeaf[position]!;
    const firstBlock = levels.slice(0, level).reduce((sum, width) => sum + width, 1);
    const leavesEach = nodeEntriesMax(this.#blockSize) ** (levels.length - level);
    return Array.from({ length: to - from }, (_, i) => ({
      hash: this.#layout.leafHash[firstLeaf + (from + i) * leavesEach]!,
      block: firstBlock + from + i,
    }));
  }
}

/** Writes the entry of a dentry at `at`; returns how long it is, in bytes. */
export function writeEntry(
  tree: Tree,
  numbering: Numbering,
  dentry: number,
  at: number,
  target: Uint8Array,
  view: DataView,
): number {
  const { inode, rec_len, name_len, file_type } = DirectoryEntry.fields;
  const name = tree.nameBytes(dentry);
  const named = tree.dentryInode.values[dentry]!;
  const length = recordLength(name.length);
  view.setUint32(at + inode.offset, numbering.ino[named]!, true);
  view.setUint16(at + rec_len.offset, length, true);
  target[at + name_len.offset] = name.length;
  target[at + file_type.offset] = tree.inodeType.values[named]!;
  target.set(name, at + DirectoryEntry.size);
  return length;
}

/** Writes the entries of a dx_root or dx_node from `offset`, and its dx_tail. The first entry's hash is the count and limit. */
function writeIndex(
  entries: readonly IndexEntry[],
  limit: number,
  offset: number,
  seed: number,
  target: Uint8Array,
  view: DataView,
): void {
  entries.forEach((entry, i) => {
    DxEntry.write(view, offset + i * DxEntry.size, entry);
  });
  DxCountLimit.write(view, offset, { limit, count: entries.length });
  const used = crc32c(seed, target.subarray(0, offset + entries.length * DxEntry.size));
  const tail = offset + limit * DxEntry.size;
  DxTail.write(view, tail, { dt_checksum: crc32c(used, target.subarray(tail, tail + DxTail.size)) });
}
