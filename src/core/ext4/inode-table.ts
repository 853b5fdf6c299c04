import { crc32c } from 'ext2fs-wasm';
import { EntryType } from '../layer/entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { high32, low32 } from '../struct.ts';
import type { MetadataPolicy } from '../tree/metadata.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { inodeAttributes } from './attributes.ts';
import { inodeSeed } from './checksums.ts';
import type { Contents } from './contents.ts';
import type { Features } from './features.ts';
import type { Mappings } from './mappings.ts';
import { EXTRA_ISIZE, FAST_SYMLINK_MAX, Inode, InodeFlag, S_IFMT_OF } from './format/inode.ts';
import type { Geometry } from './geometry.ts';
import { INLINE_IN_I_BLOCK, inlineXattr } from './inline-data.ts';
import type { Numbering } from './numbering.ts';
import type { XattrLayout } from './xattrs.ts';

/** A file that no name leads to. */
export interface NamelessFile {
  readonly label: string;
  /** Permission bits. */
  readonly mode: number;
  /** In bytes. */
  readonly size: number;
  /** How many blocks belong to it, those of its mapping included. */
  readonly blocks: number;
  /** i_block, where it is not what the mapping says. */
  readonly i_block?: Uint8Array;
}

/** What inodes are written from. */
export interface InodeParts {
  readonly tree: Tree;
  readonly numbering: Numbering;
  readonly metadata: MetadataPolicy;
  readonly geometry: Geometry;
  readonly features: Features;
  readonly contents: Contents;
  readonly mappings: Mappings;
  readonly xattrs: XattrLayout;
  /** The tree's first inode of an xattr's value; the others follow it. */
  readonly firstValue: number;
  /** The inode of lost+found. */
  readonly lostAndFound: number;
  /** Files without a name, by inode number. */
  readonly namelessFiles: ReadonlyMap<number, NamelessFile>;
  /** What an inode holds of its content itself, instead of blocks. */
  readonly inlineContent: (inode: number) => Uint8Array | undefined;
  /** Whether the directory's names have an index. */
  readonly isIndexed: (inode: number) => boolean;
}

/** The units of i_blocks, in bytes. */
const SECTOR_SIZE = 512;
/** As the kernel gives xattr values theirs. */
const VALUE_MODE = 0o600;
/** i_generation of inodes that have no checksums: some systems take 0 for an inode that was never in use. */
const EXT2_GENERATION = 1;
const at = Inode.fields;

/** All inode tables, one behind another, made when they are read. */
export class InodeTable implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #parts: InodeParts;
  readonly #inodeSize: number;
  readonly #inodesPerBlock: number;
  readonly #reader: BlockReader;

  constructor(parts: InodeParts) {
    const { blockSize, inodeSize, groups, inodeTableBlocksPerGroup } = parts.geometry;
    this.#parts = parts;
    this.#inodeSize = inodeSize;
    this.#inodesPerBlock = blockSize / inodeSize;
    this.labelUnit = inodeTableBlocksPerGroup * blockSize;
    this.length = groups * inodeTableBlocksPerGroup * blockSize;
    this.#reader = new BlockReader(blockSize, (block, target, view) => this.#make(block, target, view));
  }

  read(offset: number, target: Uint8Array): void {
    this.#reader.read(offset, target);
  }

  label(offset: number): string {
    return `inode table, group ${Math.floor(offset / this.labelUnit)}`;
  }

  detail(offset: number): string | undefined {
    const ino = Math.floor(offset / this.#inodeSize) + 1;
    const inode = this.#parts.numbering.inodeOf[ino] ?? NONE;
    const nameless = this.#parts.namelessFiles.get(ino);
    if (nameless !== undefined) return `inode ${ino}, ${nameless.label}`;
    if (inode !== NONE && inode >= this.#parts.firstValue) return `inode ${ino}, xattr value`;
    return `inode ${ino}${inode === NONE ? '' : `, /${this.#parts.tree.displayInode(inode)}`}`;
  }

  #make(block: number, target: Uint8Array, view: DataView): void {
    const { inodeOf } = this.#parts.numbering;
    const first = block * this.#inodesPerBlock + 1;
    for (let i = 0; i < this.#inodesPerBlock; i++) {
      const [ino, start] = [first + i, i * this.#inodeSize];
      const inode = inodeOf[ino] ?? NONE;
      const nameless = inode === NONE ? this.#parts.namelessFiles.get(ino) : undefined;
      if (inode !== NONE && inode >= this.#parts.firstValue) this.#writeValue(inode, ino, start, target, view);
      else if (inode !== NONE) this.#writeInode(inode, ino, start, target, view);
      else if (nameless !== undefined) this.#writeNameless(nameless, ino, start, target, view);
    }
  }

  #writeNameless(file: NamelessFile, ino: number, start: number, target: Uint8Array, view: DataView): void {
    const { metadata, mappings } = this.#parts;
    view.setUint16(start + at.i_mode.offset, S_IFMT_OF[EntryType.file]! | file.mode, true);
    view.setUint16(start + at.i_links_count.offset, 1, true);
    this.#writeTimes(view, start, metadata.epoch, 0);
    const i_block = start + at.i_block.offset;
    if (file.i_block === undefined) {
      this.#writeFlags(view, start, InodeFlag.extents);
      mappings.writeRoot(ino, i_block, target, view);
    } else {
      target.set(file.i_block, i_block);
    }
    this.#writeSize(view, start, file.size, file.blocks);
    this.#finish(ino, start, target, view);
  }

  /**
   * An xattr's value, whose only time is i_crtime: i_atime is its hash, i_ctime and i_version count its references, and i_mtime
   * stays 0, as with the number of an inode that has the xattr it would be in Lustre's form.
   */
  #writeValue(inode: number, ino: number, start: number, target: Uint8Array, view: DataView): void {
    const { metadata, xattrs, firstValue, contents, mappings } = this.#parts;
    const { length, hash, references } = xattrs.values.at(inode - firstValue);
    view.setUint16(start + at.i_mode.offset, S_IFMT_OF[EntryType.file]! | VALUE_MODE, true);
    view.setUint16(start + at.i_links_count.offset, 1, true);
    view.setUint32(start + at.i_flags.offset, InodeFlag.extents | InodeFlag.eaInode, true);
    this.#writeSize(view, start, length, contents.count[ino]! + mappings.blocksOf(ino));
    writeTime(view, start + at.i_crtime.offset, start + at.i_crtime_extra.offset, metadata.epoch, 0);
    view.setUint32(start + at.i_atime.offset, hash, true);
    view.setUint32(start + at.i_ctime.offset, high32(references), true);
    view.setUint32(start + at.i_version.offset, low32(references), true);
    mappings.writeRoot(ino, start + at.i_block.offset, target, view);
    this.#finish(ino, start, target, view);
  }

  #writeInode(inode: number, ino: number, start: number, target: Uint8Array, view: DataView): void {
    const { tree, metadata, numbering, xattrs } = this.#parts;
    const { lostAndFound } = this.#parts;
    const { mode, uid, gid, seconds, nanoseconds } = inodeAttributes(tree, inode, lostAndFound, metadata);
    const type = tree.inodeType.values[inode]!;
    view.setUint16(start + at.i_mode.offset, S_IFMT_OF[type]! | mode, true);
    view.setUint16(start + at.i_uid.offset, uid & 0xffff, true);
    view.setUint16(start + at.i_uid_high.offset, uid >>> 16, true);
    view.setUint16(start + at.i_gid.offset, gid & 0xffff, true);
    view.setUint16(start + at.i_gid_high.offset, gid >>> 16, true);
    view.setUint16(start + at.i_links_count.offset, numbering.links[inode]!, true);
    this.#writeTimes(view, start, seconds, nanoseconds);
    const inline = this.#parts.inlineContent(inode);
    if (inline === undefined) this.#writeContent(inode, ino, type, start, target, view);
    else this.#writeInline(inode, inline, start, target, view);
    const more = inline === undefined ? undefined : inlineXattr(inline.subarray(INLINE_IN_I_BLOCK));
    xattrs.writeInInode(inode, more, start, target, view);
    this.#finish(ino, start, target, view);
  }

  #writeContent(inode: number, ino: number, type: number, start: number, target: Uint8Array, view: DataView): void {
    const { tree, contents, geometry, mappings } = this.#parts;
    const count = contents.count[ino]!;
    const size = contentSize(tree, inode, type, count * geometry.blockSize);
    const i_block = start + at.i_block.offset;
    let blocks = count;
    if (type === EntryType.symlink && size <= FAST_SYMLINK_MAX) {
      target.set(tree.symlinkTarget(inode), i_block);
    } else if (type === EntryType.file || type === EntryType.directory || type === EntryType.symlink) {
      const indexed = type === EntryType.directory && this.#parts.isIndexed(inode);
      const flags = (indexed ? InodeFlag.index : 0) | (contents.hasVerity(ino) ? InodeFlag.verity : 0);
      this.#writeFlags(view, start, InodeFlag.extents | flags);
      mappings.writeRoot(ino, i_block, target, view);
      blocks += mappings.blocksOf(ino);
    } else if (type === EntryType.characterDevice || type === EntryType.blockDevice) {
      writeDevice(tree, inode, i_block, view);
    }
    this.#writeSize(view, start, size, blocks + this.#writeXattrBlock(inode, start, view));
  }

  #writeInline(inode: number, content: Uint8Array, start: number, target: Uint8Array, view: DataView): void {
    target.set(content.subarray(0, INLINE_IN_I_BLOCK), start + at.i_block.offset);
    this.#writeFlags(view, start, InodeFlag.inlineData);
    this.#writeSize(view, start, content.length, this.#writeXattrBlock(inode, start, view));
  }

  /** Writes where the block of an inode's xattrs is; returns how many blocks its xattrs have. */
  #writeXattrBlock(inode: number, start: number, view: DataView): number {
    const { geometry, xattrs } = this.#parts;
    const xattrBlock = xattrs.block[inode]!;
    if (xattrBlock === NONE) return 0;
    const block = geometry.contentBlocks.blockOf(geometry.xattrs + xattrBlock);
    view.setUint32(start + at.i_file_acl_lo.offset, low32(block), true);
    view.setUint16(start + at.i_file_acl_high.offset, high32(block), true);
    return 1 + xattrs.valueBlocksOf(inode);
  }

  #writeFlags(view: DataView, start: number, flags: number): void {
    const known = this.#parts.features.has('extent') ? flags : flags & ~InodeFlag.extents;
    view.setUint32(start + at.i_flags.offset, known, true);
  }

  #writeSize(view: DataView, start: number, size: number, blocks: number): void {
    const sectors = blocks * (this.#parts.geometry.blockSize / SECTOR_SIZE);
    view.setUint32(start + at.i_blocks_lo.offset, low32(sectors), true);
    view.setUint16(start + at.i_blocks_high.offset, high32(sectors), true);
    view.setUint32(start + at.i_size_lo.offset, low32(size), true);
    view.setUint32(start + at.i_size_high.offset, high32(size), true);
  }

  /** i_atime, i_ctime, i_mtime and where there is room i_crtime, all the same. */
  #writeTimes(view: DataView, start: number, seconds: number, nanoseconds: number): void {
    if (this.#inodeSize < Inode.size) {
      for (const field of [at.i_atime, at.i_ctime, at.i_mtime]) view.setInt32(start + field.offset, seconds, true);
      return;
    }
    writeTime(view, start + at.i_atime.offset, start + at.i_atime_extra.offset, seconds, nanoseconds);
    writeTime(view, start + at.i_ctime.offset, start + at.i_ctime_extra.offset, seconds, nanoseconds);
    writeTime(view, start + at.i_mtime.offset, start + at.i_mtime_extra.offset, seconds, nanoseconds);
    writeTime(view, start + at.i_crtime.offset, start + at.i_crtime_extra.offset, seconds, nanoseconds);
  }

  /** i_extra_isize and the checksum over the inode, in which the checksum's fields still are zeros. */
  #finish(ino: number, start: number, target: Uint8Array, view: DataView): void {
    if (this.#inodeSize < Inode.size) {
      view.setUint32(start + at.i_generation.offset, EXT2_GENERATION, true);
      return;
    }
    view.setUint16(start + at.i_extra_isize.offset, EXTRA_ISIZE, true);
    const checksum = crc32c(inodeSeed(ino), target.subarray(start, start + Inode.size));
    view.setUint16(start + at.i_checksum_lo.offset, checksum & 0xffff, true);
    view.setUint16(start + at.i_checksum_hi.offset, checksum >>> 16, true);
  }
}

/** i_size, in bytes: a directory's is that of its blocks, a symlink's that of its target. */
function contentSize(tree: Tree, inode: number, type: number, blocksLength: number): number {
  if (type === EntryType.directory) return blocksLength;
  if (type === EntryType.symlink) return tree.symlinkTarget(inode).length;
  const layer = tree.inodeLayer.values[inode]!;
  return type === EntryType.file ? tree.layers[layer]!.size[tree.inodeEntry.values[inode]!]! : 0;
}

/** A time and its extra field, two bits of which carry the seconds past 2038. */
function writeTime(view: DataView, low: number, extra: number, seconds: number, nanoseconds: number): void {
  const lowSeconds = seconds | 0;
  const epoch = ((seconds - lowSeconds) / 2 ** 32) & 3;
  view.setInt32(low, lowSeconds, true);
  view.setUint32(extra, ((nanoseconds << 2) | epoch) >>> 0, true);
}

/** A device number: in the first word as 16 bits where both parts fit 8, else in the second as 32. */
function writeDevice(tree: Tree, inode: number, i_block: number, view: DataView): void {
  const index: LayerIndex = tree.layers[tree.inodeLayer.values[inode]!]!;
  const entry = tree.inodeEntry.values[inode]!;
  const major = index.deviceMajor[entry]!;
  const minor = index.deviceMinor[entry]!;
  if (major < 256 && minor < 256) view.setUint32(i_block, (major << 8) | minor, true);
  else view.setUint32(i_block + 4, ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, true);
}
