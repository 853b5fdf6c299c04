import { crc32c } from 'ext2fs-wasm';
import { BlockReader } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { groupSeed, S_CHECKSUM_SEED } from './checksums.ts';
import { GroupDescriptor, GroupFlag } from './format/group-descriptor.ts';
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

  constructor(geometry: Geometry, usage: BlockUsage, numbering: Numbering, tree: Tree) {
    this.geometry = geometry;
    this.#usage = usage;
    this.#numbering = numbering;
    this.#tree = tree;
  }

  firstBlock(group: number): number {
    return this.geometry.firstDataBlock + group * this.geometry.blocksPerGroup;
  }

  endBlock(group: number): number {
    return Math.min(this.firstBlock(group + 1), this.geometry.blocks);
  }

  /** A group whose blocks are all free needs no bitmap, but for the last one, whose bitmap says where the image ends. */
  blockUninit(group: number): boolean {
    if (group === this.geometry.groups - 1) return false;
    return this.#usage.countIn(this.firstBlock(group), this.endBlock(group)) === 0;
  }

  inodeUninit(group: number): boolean {
    return this.inodesInitialized(group) === 0;
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
    const view = new DataView(target.buffer, target.byteOffset, target.length);
    const { blockSize, inodesPerGroup, groups } = this.geometry;
    const bitmap = new Uint8Array(blockSize);
    let freeBlocks = 0;
    let freeInodes = 0;
    for (let group = 0; group < groups; group++) {
      const first = this.firstBlock(group);
      const end = this.endBlock(group);
      const blocks = end - first - this.#usage.countIn(first, end);
      const { used, directories } = this.#countInodes(group);
      freeBlocks += blocks;
      freeInodes += inodesPerGroup - used;
      bitmap.fill(0);
      this.makeBlockBitmap(group, bitmap);
      const bg_block_bitmap_csum_lo = this.blockUninit(group) ? 0 : crc32c(S_CHECKSUM_SEED, bitmap) & 0xffff;
      bitmap.fill(0);
      this.makeInodeBitmap(group, bitmap);
      const inodeBits = bitmap.subarray(0, inodesPerGroup / 8);
      const bg_inode_bitmap_csum_lo = this.inodeUninit(group) ? 0 : crc32c(S_CHECKSUM_SEED, inodeBits) & 0xffff;
      const at = group * GroupDescriptor.size;
      GroupDescriptor.write(view, at, {
        bg_block_bitmap_lo: this.geometry.blockBitmaps + group,
        bg_inode_bitmap_lo: this.geometry.inodeBitmaps + group,
        bg_inode_table_lo: this.geometry.inodeTables + group * this.geometry.inodeTableBlocksPerGroup,
        bg_free_blocks_count_lo: blocks,
        bg_free_inodes_count_lo: inodesPerGroup - used,
        bg_used_dirs_count_lo: directories,
        bg_flags: this.#flags(group),
        bg_block_bitmap_csum_lo,
        bg_inode_bitmap_csum_lo,
        bg_itable_unused_lo: inodesPerGroup - this.inodesInitialized(group),
      });
      const descriptor = target.subarray(at, at + GroupDescriptor.size);
      GroupDescriptor.write(view, at, { bg_checksum: crc32c(groupSeed(group), descriptor) & 0xffff });
    }
    return { freeBlocks, freeInodes };
  }

  /** The bitmaps of groups `from` to `to`. */
  bitmaps(kind: 'block' | 'inode', from: number, to: number): BytesSource {
    const { blockSize } = this.geometry;
    const reader = new BlockReader(blockSize, (i, target) =>
      kind === 'block' ? this.makeBlockBitmap(from + i, target) : this.makeInodeBitmap(from + i, target),
    );
    return {
      length: (to - from) * blockSize,
      read: (offset, target) => reader.read(offset, target),
      labelUnit: blockSize,
      label: (offset) => `${kind} bitmap, group ${from + Math.floor(offset / blockSize)}`,
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
