import { crc32c } from 'ext2fs-wasm';
import { byteString, displayName } from '../bytes.ts';
import { u32Column } from '../columns.ts';
import { ImageError, type ImageErrorContext } from '../errors.ts';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { xattrsOf } from '../tree/metadata.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { xattrBlockSeed } from './checksums.ts';
import { Inode, INODE_XATTRS_OFFSET } from './format/inode.ts';
import { EXT4_XATTR_MAGIC, EXT4_XATTR_REFCOUNT_MAX, XattrHeader, XattrInodeHeader } from './format/xattr.ts';
import type { Numbering } from './numbering.ts';
import {
  blockCapacity,
  type DiskXattr,
  entriesLength,
  entryLength,
  toDiskXattrs,
  writeEntries,
} from './xattr-entries.ts';

/** What an inode itself holds of entries, values and their end, in bytes. */
const INODE_CAPACITY = Inode.size - INODE_XATTRS_OFFSET - XattrInodeHeader.size;

/** One distinct set of xattrs, divided between an inode and a block. */
interface XattrSet {
  readonly all: readonly DiskXattr[];
  readonly inInode: readonly DiskXattr[];
  readonly inBlock: readonly DiskXattr[];
  /** What equal contents of a block have in common; '' without a block. */
  readonly blockKey: string;
}

/** Which xattrs stand where. Blocks count from the first xattr block. */
export interface XattrLayout {
  /** By the tree's inode: its xattr block; NONE without one. */
  readonly block: Uint32Array;
  readonly blockCount: number;
  /** All xattrs of an inode, in the order in which ext4 has them. */
  xattrsOf(inode: number): readonly DiskXattr[];
  /** Writes the xattrs that inode `inode` of the tree holds itself, into its 256 bytes at `at`. */
  writeInInode(inode: number, at: number, target: Uint8Array, view: DataView): void;
  /** The blocks; `first` is the number of the first of them in the image. */
  blocks(first: number): BytesSource;
}

/**
 * Divides the xattrs of all inodes: into the inode where a whole set fits, else into a block that up to 1024 inodes with
 * the same set share, else into both. Throws `limit-exceeded` for a set that does not fit.
 */
export function layOutXattrs(
  tree: Tree,
  numbering: Numbering,
  blockSize: number,
  warn: (warning: string) => void,
): XattrLayout {
  const sets = new SetCache(tree, blockSize, warn);
  const block = new Uint32Array(tree.inodeCount).fill(NONE);
  const contents: (readonly DiskXattr[])[] = [];
  const references = u32Column();
  const current = new Map<string, number>();
  for (let ino = 0; ino < numbering.inodeOf.length; ino++) {
    const inode = numbering.inodeOf[ino]!;
    const set = inode === NONE ? undefined : sets.of(inode);
    if (set === undefined || set.blockKey === '') continue;
    let shared = current.get(set.blockKey);
    if (shared === undefined || references.values[shared] === EXT4_XATTR_REFCOUNT_MAX) {
      shared = references.push(0);
      contents.push(set.inBlock);
      current.set(set.blockKey, shared);
    }
    references.values[shared] = references.values[shared]! + 1;
    block[inode] = shared;
  }
  return {
    block,
    blockCount: contents.length,
    xattrsOf: (inode) => sets.of(inode)?.all ?? [],
    writeInInode: (inode, at, target, view) => writeInInode(sets.of(inode), at, target, view),
    blocks: (first) => new XattrBlocks(contents, references.trimmed(), first, blockSize),
  };
}

function writeInInode(set: XattrSet | undefined, at: number, target: Uint8Array, view: DataView): void {
  if (set === undefined || set.inInode.length === 0) return;
  XattrInodeHeader.write(view, at + INODE_XATTRS_OFFSET, { h_magic: EXT4_XATTR_MAGIC });
  const start = at + INODE_XATTRS_OFFSET + XattrInodeHeader.size;
  writeEntries(set.inInode, { start, end: at + Inode.size, base: start, hashed: false }, target, view);
}

/** The distinct sets, each divided once. */
class SetCache {
  readonly #tree: Tree;
  readonly #blockSize: number;
  readonly #warn: (warning: string) => void;
  readonly #sets: Map<number, XattrSet>[];

  constructor(tree: Tree, blockSize: number, warn: (warning: string) => void) {
    this.#tree = tree;
    this.#blockSize = blockSize;
    this.#warn = warn;
    this.#sets = tree.layers.map(() => new Map());
  }

  /** The set of an inode; undefined for one without xattrs. */
  of(inode: number): XattrSet | undefined {
    const layer = this.#tree.inodeLayer.values[inode]!;
    if (layer === NONE) return undefined;
    const number = this.#tree.layers[layer]!.xattrSet[this.#tree.inodeEntry.values[inode]!]!;
    if (number === 0) return undefined;
    const known = this.#sets[layer]!.get(number);
    if (known !== undefined) return known;
    const set = this.#divide(inode);
    this.#sets[layer]!.set(number, set);
    return set;
  }

  #divide(inode: number): XattrSet {
    const context = inodeContext(this.#tree, inode);
    const xattrs = toDiskXattrs(xattrsOf(this.#tree, inode), context, (name) => {
      const reason = 'an xattr of that prefix does not exist on ext4 under Linux';
      this.#warn(`layer ${context.layer}, entry ${context.path || '/'}: ${displayName(name)} is left out: ${reason}`);
    });
    if (entriesLength(xattrs) <= INODE_CAPACITY) return { all: xattrs, inInode: xattrs, inBlock: [], blockKey: '' };
    const capacity = blockCapacity(this.#blockSize);
    const inInode = chooseForInode(xattrs, entriesLength(xattrs) - capacity);
    const inBlock = xattrs.filter((xattr) => !inInode.includes(xattr));
    const length = entriesLength(inBlock);
    if (length > capacity) {
      throw new ImageError('limit-exceeded', `${length} bytes of xattrs, at most ${capacity} fit a block`, context);
    }
    return { all: xattrs, inInode, inBlock, blockKey: keyOf(inBlock) };
  }
}

/** The xattrs that take `needed` bytes or a little more, and fit an inode; none when there are no such. */
function chooseForInode(xattrs: readonly DiskXattr[], needed: number): readonly DiskXattr[] {
  /** By length: the first choice that has it. */
  const choices: (readonly DiskXattr[] | undefined)[] = [[]];
  const room = INODE_CAPACITY - entriesLength([]);
  for (const xattr of xattrs) {
    const length = entryLength(xattr);
    for (let before = room - length; before >= 0; before--) {
      const choice = choices[before];
      if (choice !== undefined) choices[before + length] ??= [...choice, xattr];
    }
  }
  return choices.find((choice, length) => choice !== undefined && length >= needed) ?? [];
}

function keyOf(xattrs: readonly DiskXattr[]): string {
  return xattrs.map(({ index, name, value }) => `${index}:${name}\0${value.length}:${byteString(value)}`).join('');
}

function inodeContext(tree: Tree, inode: number): ImageErrorContext {
  return { layer: tree.inodeLayer.values[inode], path: tree.displayInode(inode) };
}

class XattrBlocks implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #contents: readonly (readonly DiskXattr[])[];
  readonly #references: Uint32Array;
  readonly #first: number;
  readonly #blockSize: number;
  readonly #reader: BlockReader;

  constructor(contents: readonly (readonly DiskXattr[])[], references: Uint32Array, first: number, blockSize: number) {
    this.#contents = contents;
    this.#references = references;
    this.#first = first;
    this.#blockSize = blockSize;
    this.labelUnit = blockSize;
    this.length = contents.length * blockSize;
    this.#reader = new BlockReader(blockSize, (block, target, view) => this.#make(block, target, view));
  }

  read(offset: number, target: Uint8Array): void {
    this.#reader.read(offset, target);
  }

  label(offset: number): string {
    const references = this.#references[Math.floor(offset / this.#blockSize)]!;
    return `xattrs of ${references} ${references === 1 ? 'inode' : 'inodes'}`;
  }

  #make(block: number, target: Uint8Array, view: DataView): void {
    const place = { start: XattrHeader.size, end: this.#blockSize, base: 0, hashed: true };
    const h_hash = writeEntries(this.#contents[block]!, place, target, view);
    const header = { h_magic: EXT4_XATTR_MAGIC, h_refcount: this.#references[block]!, h_blocks: 1, h_hash };
    XattrHeader.write(view, 0, header);
    const h_checksum = crc32c(xattrBlockSeed(this.#first + block), target);
    XattrHeader.write(view, 0, { h_checksum });
  }
}
