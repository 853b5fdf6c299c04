import { crc32c } from 'ext2fs-wasm';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { groupSeed, S_CHECKSUM_SEED } from './checksums.ts';
import type { Features } from './features.ts';
import { GROUP_DESCRIPTOR_SIZE, GroupDescriptor, GroupFlag } from './format/group-descriptor.ts';
import { EXT4_GOOD_OLD_FIRST_INO } from './format/inode.ts';
import type { Geometry } from './geometry.ts';
import type { Numbering } from './numbering.ts';
import { type BlockUsage, setBits } from './usage.ts';

/** What the groups' descriptors and bitmaps say. */
export class Groups {
  readonly geometry: Geometry;
  readonly #usage: BlockUsage;
  readonly #numbering: Numbering;
  readonly #tree: Tree;
  /** Descriptors have checksums, and flags that say what was never written. */
  readonly #hasChecksums: boolean;

  constructor(geometry: Geometry, features: Features, usage: BlockUsage, numbering: Numbering, tree: Tree) {
    this.geometry = geometry;
    this.#usage = usage;
    this.#numbering = numbering;
    this.#tree = tree;
    this.#hasChecksums = features.has('metadata_csum');
  }

  firstBlock(group: number): number {
    return this.geometry.firstDataBlock + group * this.geometry.blocksPerGroup;
  }

  endBlock(group: number): number {
    return Math.min(this.firstBlock(group + 1), this.geometry.blocks);
  }

  /** A group whose blocks are all free needs no bitmap, but for the last one, whose bitmap says where the image ends. */
  blockUninit(group: number): boolean {
    if (!this.#hasChecksums || group === this.geometry.groups - 1) return false;
    return this.#usage.countIn(this.firstBlock(group), this.endBlock(group)) === 0;
  }

  inodeUninit(group: number): boolean {
    return this.#hasChecksums && this.inodesInitialized(group) === 0;
  }

  /** How many inodes of a group's table come up to the last one in use. */
  inodesInitialized(group: number): number {
    const { inodesPerGroup } = this.geometry;
    const first = 1 + group * inodesPerGroup;
    for (let ino = Math.min(first + inodesPerGroup - 1, this.#numbering.last); ino >= first; ino--) {
      if (this.isUsed(ino)) return ino - first + 1;
    }
    return 0;
  }

  /** Reserved inodes count as used. */
  isUsed(ino: number): boolean {
    return ino < EXT4_GOOD_OLD_FIRST_INO || (this.#numbering.inodeOf[ino] ?? NONE) !== NONE;
  }

  makeBlockBitmap(group: number, target: Uint8Array): void {
    if (this.blockUninit(group)) return;
    const first = this.firstBlock(group);
    const end = this.endBlock(group);
    this.#usage.forEachIn(first, end, (from, to) => setBits(target, from - first, to - first));
    setBits(target, end - first, this.geometry.blocksPerGroup);
  }

  makeInodeBitmap(group: number, target: Uint8Array): void {
    if (this.inodeUninit(group)) return;
    const { inodesPerGroup, blockSize } = this.geometry;
    const first = 1 + group * inodesPerGroup;
    const initialized = this.inodesInitialized(group);
    for (let i = 0; i < initialized; i++) if (this.isUsed(first + i)) target[i >> 3]! |= 1 << (i & 7);
    setBits(target, inodesPerGroup, 8 * blockSize);
  }

  /** Writes all descriptors, and returns how many blocks and inodes are free. */
  writeDescriptors(target: Uint8Array): { freeBlocks: number; freeInodes: number } {
    const { inodesPerGroup, groups, descriptorSize } = this.geometry;
    const bitmap = new Uint8Array(this.geometry.blockSize);
    let freeBlocks = 0;
    let freeInodes = 0;
    for (let group = 0; group < groups; group++) {
      const first = this.firstBlock(group);
      const end = this.endBlock(group);
      const blocks = end - first - this.#usage.countIn(first, end);
      const { used, directories } = this.#countInodes(group);
      freeBlocks += blocks;
      freeInodes += inodesPerGroup - used;
      const unused = this.#hasChecksums ? inodesPerGroup - this.inodesInitialized(group) : 0;
      const descriptor = target.subarray(group * descriptorSize, (group + 1) * descriptorSize);
      const view = new DataView(descriptor.buffer, descriptor.byteOffset, descriptorSize);
      this.#writeWide(view, 'bg_block_bitmap', this.geometry.blockBitmaps[group]!, 32);
      this.#writeWide(view, 'bg_inode_bitmap', this.geometry.inodeBitmaps[group]!, 32);
      this.#writeWide(view, 'bg_inode_table', this.geometry.inodeTables[group]!, 32);
      this.#writeWide(view, 'bg_free_blocks_count', blocks, 16);
      this.#writeWide(view, 'bg_free_inodes_count', inodesPerGroup - used, 16);
      this.#writeWide(view, 'bg_used_dirs_count', directories, 16);
      this.#writeWide(view, 'bg_itable_unused', unused, 16);
      if (this.#hasChecksums) this.#writeChecksums(group, descriptor, view, bitmap);
    }
    return { freeBlocks, freeInodes };
  }

  #writeChecksums(group: number, descriptor: Uint8Array, view: DataView, bitmap: Uint8Array): void {
    bitmap.fill(0);
    this.makeBlockBitmap(group, bitmap);
    this.#writeWide(view, 'bg_block_bitmap_csum', this.blockUninit(group) ? 0 : crc32c(S_CHECKSUM_SEED, bitmap), 16);
    bitmap.fill(0);
    this.makeInodeBitmap(group, bitmap);
    const inodeBits = bitmap.subarray(0, this.geometry.inodesPerGroup / 8);
    this.#writeWide(view, 'bg_inode_bitmap_csum', this.inodeUninit(group) ? 0 : crc32c(S_CHECKSUM_SEED, inodeBits), 16);
    GroupDescriptor.write(view, 0, { bg_flags: this.#flags(group) });
    GroupDescriptor.write(view, 0, { bg_checksum: crc32c(groupSeed(group), descriptor) & 0xffff });
  }

  /** Writes a number whose lower `bits` bits stand in the field `_lo`, and where descriptors have 64 bytes the others in `_hi`. */
  #writeWide(view: DataView, field: WideField, value: number, bits: 16 | 32): void {
    GroupDescriptor.write(view, 0, { [`${field}_lo`]: value % 2 ** bits });
    if (this.geometry.descriptorSize === GROUP_DESCRIPTOR_SIZE) return;
    GroupDescriptor.write(view, 0, { [`${field}_hi`]: Math.floor(value / 2 ** bits) });
  }

  /** The bitmaps of all groups. */
  bitmaps(kind: 'block' | 'inode'): BytesSource {
    const { blockSize, groups } = this.geometry;
    const reader = new BlockReader(blockSize, (group, target) =>
      kind === 'block' ? this.makeBlockBitmap(group, target) : this.makeInodeBitmap(group, target),
    );
    return {
      length: groups * blockSize,
      read: (offset, target) => reader.read(offset, target),
      labelUnit: blockSize,
      label: (offset) => `${kind} bitmap, group ${Math.floor(offset / blockSize)}`,
    };
  }

  #flags(group: number): number {
    const block = this.blockUninit(group) ? GroupFlag.blockUninit : 0;
    const inode = this.inodeUninit(group) ? GroupFlag.inodeUninit : 0;
    return GroupFlag.inodeZeroed | block | inode;
  }

  #countInodes(group: number): { used: number; directories: number } {
    const first = 1 + group * this.geometry.inodesPerGroup;
    const end = first + this.inodesInitialized(group);
    let used = 0;
    let directories = 0;
    for (let ino = first; ino < end; ino++) {
      if (!this.isUsed(ino)) continue;
      used++;
      const inode = this.#numbering.inodeOf[ino]!;
      if (inode !== NONE && this.#tree.isDirectory(inode)) directories++;
    }
    return { used, directories };
  }
}

type WideField =
  | 'bg_block_bitmap'
  | 'bg_inode_bitmap'
  | 'bg_inode_table'
  | 'bg_free_blocks_count'
  | 'bg_free_inodes_count'
  | 'bg_used_dirs_count'
  | 'bg_itable_unused'
  | 'bg_block_bitmap_csum'
  | 'bg_inode_bitmap_csum';
