import { crc32c } from 'ext2fs-wasm';
import { byteString } from '../bytes.ts';
import { f64Column, u32Column } from '../columns.ts';
import { EntryType } from '../layer/entry.ts';
import { BlockReader, lastAtMost } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { S_CHECKSUM_SEED } from './checksums.ts';
import type { Numbering } from './numbering.ts';
import type { ValueInode } from './xattr-entries.ts';

/**
 * The xattr values that have inodes of their own (ea_inode): each value once, however many entries it belongs to, in the order of
 * their first use, with numbers behind all that are in use. https://docs.kernel.org/filesystems/ext4/attributes.html
 */
export class XattrValues {
  readonly #values: Uint8Array[] = [];
  readonly #hash = u32Column();
  /** By value: how many entries it belongs to; those of a block that inodes share count once. */
  readonly #references = f64Column();
  /** By value: its first block, counted from the first of all. */
  readonly #firstBlock = f64Column();
  readonly #numberOf = new Map<string, number>();
  readonly #firstIno: number;
  readonly #blockSize: number;
  #blockCount = 0;

  /** `firstIno` is the number of the first inode. */
  constructor(firstIno: number, blockSize: number) {
    this.#firstIno = firstIno;
    this.#blockSize = blockSize;
  }

  get count(): number {
    return this.#values.length;
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** How many blocks a value of `length` bytes takes. */
  blocksOf(length: number): number {
    return Math.ceil(length / this.#blockSize);
  }

  /** The inode of a value, which is made when there is none yet. */
  inodeOf(value: Uint8Array): ValueInode {
    const key = byteString(value);
    let number = this.#numberOf.get(key);
    if (number === undefined) {
      number = this.#values.push(value) - 1;
      this.#numberOf.set(key, number);
      this.#hash.push(crc32c(S_CHECKSUM_SEED, value));
      this.#references.push(0);
      this.#firstBlock.push(this.#blockCount);
      this.#blockCount += this.blocksOf(value.length);
    }
    return { ino: this.#firstIno + number, hash: this.#hash.values[number]! };
  }

  /** Counts one more entry that the value of an inode belongs to. */
  addReference({ ino }: ValueInode): void {
    const number = ino - this.#firstIno;
    this.#references.values[number] = this.#references.values[number]! + 1;
  }

  /** What the inode of value `number` says. */
  at(number: number): { readonly length: number; readonly hash: number; readonly references: number } {
    const length = this.#values[number]!.length;
    return { length, hash: this.#hash.values[number]!, references: this.#references.values[number]! };
  }

  /** The first block of value `number`, counted from the first of all. */
  firstBlockOf(number: number): number {
    return this.#firstBlock.values[number]!;
  }

  /**
   * Makes the inodes of all values, without names, in a tree; returns the first, and a numbering that has them too. No value may
   * come afterwards.
   */
  addInodes(tree: Tree, numbering: Numbering): { readonly first: number; readonly numbering: Numbering } {
    const first = tree.inodeCount;
    if (this.count === 0) return { first, numbering };
    // Its keys are as long as the values.
    this.#numberOf.clear();
    const ino = new Uint32Array(first + this.count);
    const inodeOf = new Uint32Array(this.#firstIno + this.count);
    const links = new Uint16Array(first + this.count);
    ino.set(numbering.ino);
    inodeOf.set(numbering.inodeOf);
    links.set(numbering.links);
    for (let number = 0; number < this.count; number++) {
      const inode = tree.addInode(EntryType.file, NONE, 0);
      ino[inode] = this.#firstIno + number;
      inodeOf[this.#firstIno + number] = inode;
      links[inode] = 1;
    }
    const last = numbering.last + this.count;
    return { first, numbering: { ...numbering, ino, inodeOf, links, last, used: numbering.used + this.count } };
  }

  /** The blocks of all values. */
  blocks(): BytesSource {
    const blockSize = this.#blockSize;
    const numberAt = (block: number): number => lastAtMost(this.#firstBlock.values, this.count, block);
    const reader = new BlockReader(blockSize, (block, target) => {
      const number = numberAt(block);
      const from = (block - this.#firstBlock.values[number]!) * blockSize;
      target.set(this.#values[number]!.subarray(from, from + blockSize));
    });
    return {
      length: this.#blockCount * blockSize,
      read: (offset, target) => reader.read(offset, target),
      labelUnit: blockSize,
      label: (offset) => `xattr value, inode ${this.#firstIno + numberAt(Math.floor(offset / blockSize))}`,
    };
  }
}
