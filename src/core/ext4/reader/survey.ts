import { type ByteString, bytesOf } from '../../bytes.ts';
import { f64Column, u8Column, u32Column } from '../../columns.ts';
import { EntryType } from '../../layer/entry.ts';
import { EXT4_BOOT_LOADER_INO } from '../format/inode.ts';
import { BlockUse } from './block-use.ts';
import { corrupt } from './failure.ts';
import type { Filesystem } from './filesystem.ts';
import type { ReadInode } from './inode.ts';

/** In `runName`: the blocks belong to no name. */
export const NO_NAME = 0xffff_ffff;

/** Every name of a filesystem and every block in use, in columns. */
export interface Survey {
  /** Names in the order of a walk: a directory before what it holds, names in byte order; the root is the first. */
  readonly nameCount: number;
  /** The name that stands above; the root's own is the root. */
  readonly nameParent: Uint32Array;
  readonly nameIno: Uint32Array;
  readonly nameType: Uint8Array;
  /** In bytes. */
  readonly nameSize: Float64Array;
  /** Where each name ends in `nameBytes`. */
  readonly nameEnd: Uint32Array;
  readonly nameBytes: Uint8Array;
  /** Runs of blocks, ascending, without overlap where the filesystem is sound. Counted in blocks. */
  readonly runCount: number;
  readonly runStart: Float64Array;
  readonly runLength: Float64Array;
  readonly runUse: Uint8Array;
  readonly runName: Uint32Array;
}

/** Reads every inode and every directory of a filesystem. Throws `image-corrupt`, also for directories in a circle. */
export function surveyFilesystem(filesystem: Filesystem, onName: () => void = () => undefined): Survey {
  const survey = new Surveyor(filesystem, onName);
  survey.metadata();
  survey.walk();
  return survey.finish();
}

const JOURNAL_INO = 8;
const RESIZE_INO = 7;

class Surveyor {
  readonly #filesystem: Filesystem;
  readonly #onName: () => void;
  readonly #nameParent = u32Column();
  readonly #nameIno = u32Column();
  readonly #nameType = u8Column();
  readonly #nameSize = f64Column();
  readonly #nameEnd = u32Column();
  readonly #nameBytes = u8Column();
  readonly #runStart = f64Column();
  readonly #runLength = f64Column();
  readonly #runUse = u8Column();
  readonly #runName = u32Column();
  readonly #seen = new Set<number>();

  constructor(filesystem: Filesystem, onName: () => void) {
    this.#filesystem = filesystem;
    this.#onName = onName;
  }

  metadata(): void {
    for (const { use, start, count } of this.#filesystem.metadataRuns()) this.#run(start, count, use, NO_NAME);
    const { journal, record, resize } = {
      journal: this.#reserved(JOURNAL_INO),
      record: this.#reserved(EXT4_BOOT_LOADER_INO),
      resize: this.#reserved(RESIZE_INO),
    };
    if (journal !== undefined) this.#blocks(journal, BlockUse.journal, NO_NAME);
    if (record !== undefined) this.#blocks(record, BlockUse.record, NO_NAME);
    if (resize !== undefined) this.#blocks(resize, BlockUse.groupDescriptors, NO_NAME);
  }

  walk(): void {
    const filesystem = this.#filesystem;
    const pending: { name: ByteString; ino: number; parent: number }[] = [{ name: '', ino: 2, parent: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const inode = filesystem.inode(next.ino);
      const index = this.#name(next.name, next.parent, inode);
      const isKnown = this.#seen.has(inode.ino);
      if (isKnown && inode.type === EntryType.directory) throw corrupt(`directory inode ${inode.ino} has two names`);
      if (isKnown) continue;
      if (inode.links > 1 || inode.type === EntryType.directory) this.#seen.add(inode.ino);
      this.#inode(inode, index);
      if (inode.type !== EntryType.directory) continue;
      const names = filesystem.sortedNames(inode);
      for (let i = names.length - 1; i >= 0; i--) pending.push({ ...names[i]!, parent: index });
    }
  }

  finish(): Survey {
    const order = Uint32Array.from({ length: this.#runStart.length }, (_, i) => i);
    const starts = this.#runStart.values;
    order.sort((a, b) => starts[a]! - starts[b]!);
    return {
      nameCount: this.#nameIno.length,
      nameParent: this.#nameParent.trimmed(),
      nameIno: this.#nameIno.trimmed(),
      nameType: this.#nameType.trimmed(),
      nameSize: this.#nameSize.trimmed(),
      nameEnd: this.#nameEnd.trimmed(),
      nameBytes: this.#nameBytes.trimmed(),
      runCount: order.length,
      runStart: Float64Array.from(order, (i) => starts[i]!),
      runLength: Float64Array.from(order, (i) => this.#runLength.values[i]!),
      runUse: Uint8Array.from(order, (i) => this.#runUse.values[i]!),
      runName: Uint32Array.from(order, (i) => this.#runName.values[i]!),
    };
  }

  #inode(inode: ReadInode, name: number): void {
    const use =
      inode.type === EntryType.directory
        ? BlockUse.directory
        : inode.type === EntryType.symlink
          ? BlockUse.symlink
          : BlockUse.file;
    if (inode.xattrBlock !== 0) this.#sharedXattrs(inode.xattrBlock);
    for (const value of this.#filesystem.xattrValueInodes(inode)) this.#xattrValue(value);
    const hasBlocks = inode.type === EntryType.file || inode.type === EntryType.directory;
    if (hasBlocks || (inode.type === EntryType.symlink && !this.#filesystem.isFastSymlink(inode)))
      this.#blocks(inode, use, name);
  }

  readonly #xattrBlocks = new Set<number>();

  /** Many inodes may share one block of attributes. */
  #sharedXattrs(block: number): void {
    if (this.#xattrBlocks.has(block)) return;
    this.#xattrBlocks.add(block);
    this.#run(block, 1, BlockUse.xattr, NO_NAME);
  }

  readonly #xattrValues = new Set<number>();

  /** Many attributes may share the inode of a value. */
  #xattrValue(value: ReadInode): void {
    if (this.#xattrValues.has(value.ino)) return;
    this.#xattrValues.add(value.ino);
    this.#blocks(value, BlockUse.xattr, NO_NAME);
  }

  #blocks(inode: ReadInode, use: BlockUse, name: number): void {
    const onNode = (block: number): void => this.#run(block, 1, BlockUse.extentTree, name);
    for (const { physical, count } of this.#filesystem.blockRuns(inode, onNode)) this.#run(physical, count, use, name);
  }

  /** A reserved inode, where it is in use and readable. */
  #reserved(ino: number): ReadInode | undefined {
    if (!this.#filesystem.isInodeUsed(ino)) return undefined;
    const inode = this.#filesystem.inode(ino);
    return inode.type === EntryType.file ? inode : undefined;
  }

  #name(name: ByteString, parent: number, inode: ReadInode): number {
    const start = this.#nameBytes.extend(name.length);
    this.#nameBytes.values.set(bytesOf(name), start);
    this.#nameEnd.push(this.#nameBytes.length);
    this.#nameParent.push(parent);
    this.#nameType.push(inode.type);
    this.#nameSize.push(inode.size);
    this.#onName();
    return this.#nameIno.push(inode.ino);
  }

  #run(start: number, length: number, use: BlockUse, name: number): void {
    this.#runStart.push(start);
    this.#runLength.push(length);
    this.#runUse.push(use);
    this.#runName.push(name);
  }
}
