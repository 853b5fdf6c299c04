import { crc32c } from 'ext2fs-wasm';
import { type ByteString, byteString, displayName } from '../bytes.ts';
import { u32Column } from '../columns.ts';
import { ImageError, type ImageErrorContext } from '../errors.ts';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { xattrsOf } from '../tree/metadata.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { xattrBlockSeed } from './checksums.ts';
import type { Features } from './features.ts';
import { Inode, INODE_XATTRS_OFFSET } from './format/inode.ts';
import {
  EXT4_XATTR_MAGIC,
  EXT4_XATTR_REFCOUNT_MAX,
  XATTR_SIZE_MAX,
  XattrHeader,
  XattrInodeHeader,
} from './format/xattr.ts';
import type { Numbering } from './numbering.ts';
import { blockRoom, divideXattrs, INODE_ROOM } from './xattr-division.ts';
import { type DiskXattr, entryLength, toDiskXattrs, writeEntries } from './xattr-entries.ts';
import { XattrValues } from './xattr-values.ts';

const NO_XATTRS: readonly DiskXattr[] = [];
/** How many divided sets of a layer are kept. */
const SETS_KEPT = 4096;

/** One distinct set of xattrs, divided between an inode and a block. */
interface XattrSet {
  readonly all: readonly DiskXattr[];
  readonly inInode: readonly DiskXattr[];
  readonly inBlock: readonly DiskXattr[];
  /** What equal contents of a block have in common; '' without a block. */
  readonly blockKey: string;
  /** How many blocks the inodes of its values have: they count among those of every inode with the set. */
  readonly valueBlocks: number;
}

/** Which xattrs stand where. Blocks count from the first xattr block. */
export interface XattrLayout {
  /** By the tree's inode: its xattr block; NONE without one. */
  readonly block: Uint32Array;
  readonly blockCount: number;
  /** The values that have inodes of their own. */
  readonly values: XattrValues;
  /** How many blocks those of the xattrs of an inode have. */
  valueBlocksOf(inode: number): number;
  /** All xattrs of an inode, in the order in which ext4 has them. */
  xattrsOf(inode: number): readonly DiskXattr[];
  /** How many bytes of entries and values an inode holds beside those xattrs that it has, or would have if it is gone. */
  roomInInode(inode: number): number;
  /** Writes the xattrs that inode `inode` of the tree holds itself, and where there is one `more`, into its 256 bytes at `at`. */
  writeInInode(inode: number, more: DiskXattr | undefined, at: number, target: Uint8Array, view: DataView): void;
  /** The blocks; `blockOf` gives the block of the image that each is. */
  blocks(blockOf: (block: number) => number): BytesSource;
}

/**
 * Divides the xattrs of all inodes: into the inode where a whole set fits, else into a block that up to 1024 inodes with
 * the same set share, else into both; where that does not suffice, values get inodes of their own, which equal values share.
 * Without ext_attr there are none, and on ext2 no values with inodes. Throws `limit-exceeded` for a value that Linux does not
 * serve, and for more than fits.
 */
export function layOutXattrs(
  tree: Tree,
  numbering: Numbering,
  blockSize: number,
  features: Features,
  warn: (warning: string) => void,
): XattrLayout {
  const values = new XattrValues(numbering.last + 1, blockSize);
  const sets = new SetCache(tree, blockSize, features, values, warn);
  if (!features.has('ext_attr')) warnOfMissing(tree, numbering, warn);
  const block = new Uint32Array(tree.inodeCount).fill(NONE);
  /** By block: the first inode that has it. */
  const owners = u32Column();
  const references = u32Column();
  const current = new Map<string, number>();
  for (let ino = 0; ino < numbering.inodeOf.length; ino++) {
    const inode = numbering.inodeOf[ino]!;
    const set = inode === NONE ? undefined : sets.of(inode);
    if (set === undefined) continue;
    addReferences(values, set.inInode);
    if (set.blockKey === '') continue;
    let shared = current.get(set.blockKey);
    if (shared === undefined || references.values[shared] === EXT4_XATTR_REFCOUNT_MAX) {
      shared = references.push(0);
      owners.push(inode);
      addReferences(values, set.inBlock);
      current.set(set.blockKey, shared);
    }
    references.values[shared] = references.values[shared]! + 1;
    block[inode] = shared;
  }
  return {
    block,
    blockCount: owners.length,
    values,
    valueBlocksOf: (inode) => sets.of(inode)?.valueBlocks ?? 0,
    xattrsOf: (inode) => sets.of(inode)?.all ?? NO_XATTRS,
    roomInInode: (inode) => INODE_ROOM - sets.lengthInInode(inode),
    writeInInode: (inode, more, at, target, view) => {
      const own = sets.of(inode)?.inInode ?? NO_XATTRS;
      writeInInode(more === undefined ? own : [...own, more], at, target, view);
    },
    blocks: (blockOf) => {
      const numberOf = features.has('metadata_csum') ? blockOf : undefined;
      const contentOf = (index: number): readonly DiskXattr[] => sets.of(owners.values[index]!)?.inBlock ?? NO_XATTRS;
      return new XattrBlocks(contentOf, references.trimmed(), blockSize, numberOf);
    },
  };
}

/** Warns, once for all, of xattrs that are left out. */
function warnOfMissing(tree: Tree, { inodeOf }: Numbering, warn: (warning: string) => void): void {
  const having = inodeOf.filter((inode) => inode !== NONE && xattrsOf(tree, inode).length > 0);
  if (having.length === 0) return;
  const { layer, path } = inodeContext(tree, having[0]!);
  const others = having.length === 1 ? '' : `, and ${having.length - 1} more`;
  warn(
    `layer ${layer}, entry ${path || '/'}${others}: xattrs are left out, as the filesystem has none without ext_attr`,
  );
}

function addReferences(values: XattrValues, xattrs: readonly DiskXattr[]): void {
  for (const { valueInode } of xattrs) if (valueInode !== undefined) values.addReference(valueInode);
}

function writeInInode(xattrs: readonly DiskXattr[], at: number, target: Uint8Array, view: DataView): void {
  if (xattrs.length === 0) return;
  XattrInodeHeader.write(view, at + INODE_XATTRS_OFFSET, { h_magic: EXT4_XATTR_MAGIC });
  const start = at + INODE_XATTRS_OFFSET + XattrInodeHeader.size;
  writeEntries(xattrs, { start, end: at + Inode.size, base: start, hashed: false }, target, view);
}

/** Divides sets, and keeps some of them: most images have few, and a million of them would take a gigabyte. */
class SetCache {
  readonly #tree: Tree;
  readonly #blockSize: number;
  readonly #features: Features;
  readonly #values: XattrValues;
  readonly #warn: (warning: string) => void;
  readonly #sets: Map<number, XattrSet>[];
  /** Sets of which it was said that something is left out. */
  readonly #warned = new Set<string>();

  constructor(tree: Tree, blockSize: number, features: Features, values: XattrValues, warn: (warning: string) => void) {
    this.#tree = tree;
    this.#blockSize = blockSize;
    this.#features = features;
    this.#values = values;
    this.#warn = warn;
    this.#sets = tree.layers.map(() => new Map());
  }

  /** The set of an inode; undefined for one without xattrs. */
  of(inode: number): XattrSet | undefined {
    const layer = this.#tree.inodeLayer.values[inode]!;
    if (layer === NONE || !this.#features.has('ext_attr')) return undefined;
    const number = this.#tree.layers[layer]!.xattrSet[this.#tree.inodeEntry.values[inode]!]!;
    if (number === 0) return undefined;
    const known = this.#sets[layer]!.get(number);
    if (known !== undefined) return known;
    const set = this.#divide(inode, `${layer}:${number}`);
    if (this.#sets[layer]!.size === SETS_KEPT) this.#sets[layer]!.clear();
    this.#sets[layer]!.set(number, set);
    return set;
  }

  /** How many bytes the entries and values take that an inode has itself; nothing is made for an inode that is gone. */
  lengthInInode(inode: number): number {
    if (this.#tree.inodeDentries.values[inode]! > 0) return lengthOf(this.of(inode)?.inInode ?? []);
    if (!this.#features.has('ext_attr')) return 0;
    const xattrs = toDiskXattrs(
      xattrsOf(this.#tree, inode),
      () => inodeContext(this.#tree, inode),
      () => undefined,
    );
    const { inInode = new Set() } = divideXattrs(xattrs, this.#blockSize, INODE_ROOM) ?? {};
    return lengthOf(xattrs.filter((_, i) => inInode.has(i)));
  }

  #divide(inode: number, key: string): XattrSet {
    const context = (): ImageErrorContext => inodeContext(this.#tree, inode);
    const skipped: ByteString[] = [];
    const xattrs = toDiskXattrs(xattrsOf(this.#tree, inode), context, (name) => skipped.push(name));
    if (skipped.length > 0) this.#warnOnce(key, skipped, context());
    checkValues(xattrs, context);
    const isLarge = this.#features.has('extra_isize');
    const division = divideXattrs(xattrs, this.#blockSize, isLarge ? INODE_ROOM : 0);
    if (division === undefined) throw tooManyNames(xattrs, this.#blockSize, context());
    const { inInode, apart } = division;
    if (!isLarge && apart.size > 0) throw tooLong(xattrs, this.#blockSize, context());
    const all = xattrs.map((xattr, i) =>
      apart.has(i) ? { ...xattr, valueInode: this.#values.inodeOf(xattr.value) } : xattr,
    );
    const inBlock = all.filter((_, i) => !inInode.has(i));
    const valueBlocks = all.reduce(
      (sum, { value, valueInode }) => sum + (valueInode === undefined ? 0 : this.#values.blocksOf(value.length)),
      0,
    );
    return { all, inInode: all.filter((_, i) => inInode.has(i)), inBlock, blockKey: keyOf(inBlock), valueBlocks };
  }

  #warnOnce(key: string, names: readonly ByteString[], { layer, path }: ImageErrorContext): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    const reason = 'an xattr of that prefix does not exist on ext4 under Linux';
    for (const name of names)
      this.#warn(`layer ${layer}, entry ${path === '' ? '/' : path}: ${displayName(name)} is left out: ${reason}`);
  }
}

const lengthOf = (xattrs: readonly DiskXattr[]): number =>
  xattrs.reduce((sum, xattr) => sum + entryLength(xattr, xattr.valueInode !== undefined), 0);

function checkValues(xattrs: readonly DiskXattr[], context: () => ImageErrorContext): void {
  const length = xattrs.reduce((longest, { value }) => Math.max(longest, value.length), 0);
  if (length <= XATTR_SIZE_MAX) return;
  throw new ImageError('limit-exceeded', `an xattr of ${length} bytes, at most ${XATTR_SIZE_MAX}`, context());
}

function tooManyNames(xattrs: readonly DiskXattr[], blockSize: number, context: ImageErrorContext): ImageError {
  const length = xattrs.reduce((sum, xattr) => sum + entryLength(xattr, true), 0);
  const what = `${length} bytes of ${xattrs.length} xattrs without their values, at most ${blockRoom(blockSize)} fit a block`;
  return new ImageError('limit-exceeded', what, context);
}

function tooLong(xattrs: readonly DiskXattr[], blockSize: number, context: ImageErrorContext): ImageError {
  const length = xattrs.reduce((sum, xattr) => sum + entryLength(xattr, false), 0);
  const what = `${length} bytes of xattrs, at most ${blockRoom(blockSize)} fit a block of ext2`;
  return new ImageError('limit-exceeded', what, context);
}

function keyOf(xattrs: readonly DiskXattr[]): string {
  const parts = xattrs.map(({ index, name, value, valueInode }) => {
    const rest = valueInode === undefined ? `${value.length}:${byteString(value)}` : `inode ${valueInode.ino}`;
    return `${index}:${name}\0${rest}`;
  });
  return parts.join('');
}

function inodeContext(tree: Tree, inode: number): ImageErrorContext {
  return { layer: tree.inodeLayer.values[inode], path: tree.displayInode(inode) };
}

class XattrBlocks implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #contentOf: (index: number) => readonly DiskXattr[];
  readonly #references: Uint32Array;
  readonly #blockSize: number;
  readonly #blockOf: ((block: number) => number) | undefined;
  readonly #reader: BlockReader;

  /** `contentOf` gives the xattrs of a block. With `blockOf`, the block of the image that each is, blocks have checksums. */
  constructor(
    contentOf: (index: number) => readonly DiskXattr[],
    references: Uint32Array,
    blockSize: number,
    blockOf: ((block: number) => number) | undefined,
  ) {
    this.#contentOf = contentOf;
    this.#references = references;
    this.#blockOf = blockOf;
    this.#blockSize = blockSize;
    this.labelUnit = blockSize;
    this.length = references.length * blockSize;
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
    const h_hash = writeEntries(this.#contentOf(block), place, target, view);
    const header = { h_magic: EXT4_XATTR_MAGIC, h_refcount: this.#references[block]!, h_blocks: 1, h_hash };
    XattrHeader.write(view, 0, header);
    if (this.#blockOf === undefined) return;
    const h_checksum = crc32c(xattrBlockSeed(this.#blockOf(block)), target);
    XattrHeader.write(view, 0, { h_checksum });
  }
}
