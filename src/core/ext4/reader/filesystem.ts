import { crc32c } from 'ext2fs-wasm';
import type { ByteString } from '../../bytes.ts';
import { byteString } from '../../bytes.ts';
import { EntryType, type Xattr } from '../../layer/entry.ts';
import type { DataRun, DirectoryName, ReadableFilesystem } from '../../reading/filesystem.ts';
import { sortNames } from '../../reading/sort-names.ts';
import { EXT4_ROOT_INO } from '../format/inode.ts';
import { type BlockDevice, BlockReader } from './block-reader.ts';
import { namesIn, verifyDirectoryBlock } from './directory.ts';
import { checkChecksum, corrupt, unsupported } from './failure.ts';
import { COMPAT, INCOMPAT } from '../format/features.ts';
import { featuresOf } from './features.ts';
import { InodeTables } from './group-descriptors.ts';
import {
  inodeChecksumSeed,
  inodeOffset,
  isInodeUsed,
  ReadFlag,
  type ReadInode,
  readInode,
  sectorsOf,
} from './inode.ts';
import { inlineData } from './inline-data.ts';
import { readJournal } from './journal.ts';
import { isUnusedLostAndFound, LOST_AND_FOUND } from './lost-and-found.ts';
import { type BlockRun, blockRuns } from './mapping.ts';
import { type MetadataRun, metadataRuns } from './metadata-runs.ts';
import { type ReadSuperblock, readSuperblock } from './superblock.ts';
import { storedXattrs, toXattr } from './xattrs.ts';

/** A symlink's target has at most this many bytes (PATH_MAX - 1). */
const TARGET_MAX = 4095;
const FAST_SYMLINK_SIZE = 60;
/** How many symlinks a path may pass (the kernel's MAXSYMLINKS). */
const SYMLINKS_MAX = 40;
/** In how many pieces a journal may lie; mke2fs makes it of one or few. */
const JOURNAL_RUNS_MAX = 2 ** 16;
/** i_block of a directory in its inode begins with the inode of its parent. */
const INLINE_PARENT = 4;
const I_BLOCK_SIZE = 60;

/**
 * An ext2, ext3 or ext4 filesystem, read and never written. Nothing that stands in the image is believed before it is checked:
 * what is damaged throws `image-corrupt`, what is not read here `image-unsupported`. https://docs.kernel.org/filesystems/ext4/
 */
export class Filesystem implements ReadableFilesystem<ReadInode> {
  readonly superblock: ReadSuperblock;
  /** Whether blocks are read from a journal that was not emptied. */
  readonly isRecovered: boolean;
  readonly #reader: BlockReader;
  /** Holds a block of a directory while its names are taken out of it: most directories have one, and are read once. */
  readonly #directoryBlock: Uint8Array;
  #tables: InodeTables;

  /** Opens what `device` holds; a journal that has to be recovered is read in place of the blocks that it has. */
  constructor(device: BlockDevice) {
    const found = readSuperblock(device);
    this.#reader = new BlockReader(device, found.blockSize);
    this.#directoryBlock = new Uint8Array(found.blockSize);
    this.superblock = found;
    this.#tables = new InodeTables(this.#reader, found);
    this.isRecovered = (found.incompat & INCOMPAT.needs_recovery) !== 0 && (found.compat & COMPAT.has_journal) !== 0;
    if (!this.isRecovered) return;
    this.#reader.replay(readJournal(this.#journalFile()));
    this.superblock = readSuperblock({ size: device.size, read: (offset, target) => this.read(offset, target) });
    if (this.superblock.blockSize !== found.blockSize)
      throw corrupt('the superblock in the journal has another block size');
    this.#tables = new InodeTables(this.#reader, this.superblock);
  }

  /** Its features, in dumpe2fs' names and order. */
  get features(): string[] {
    return featuresOf(this.superblock);
  }

  get root(): ReadInode {
    const root = this.inode(EXT4_ROOT_INO);
    if (root.type !== EntryType.directory) throw corrupt('the root is not a directory');
    return root;
  }

  /** Inode number `ino`. */
  inode(ino: number): ReadInode {
    return readInode(this.#reader, this.superblock, this.#tables, ino);
  }

  /** Where an inode begins, in bytes of the image. */
  inodeOffset({ ino }: Pick<ReadInode, 'ino'>): number {
    return inodeOffset(this.superblock, this.#tables, ino);
  }

  /** Whether there is a file of any type; a reserved inode may be none. */
  isInodeUsed(ino: number): boolean {
    return isInodeUsed(this.#reader, this.superblock, this.#tables, ino);
  }

  /** The blocks of an inode that hold data, whatever its size; `onNode` is told of those that its map itself takes. */
  blockRuns(inode: ReadInode, onNode?: (block: number) => void): Generator<BlockRun, void> {
    return blockRuns(this.#reader, this.superblock, inode, onNode);
  }

  /** The blocks of the filesystem's own tables, in blocks. */
  metadataRuns(): Generator<MetadataRun, void> {
    return metadataRuns(this.#reader, this.superblock);
  }

  /** Bytes of the image, newer ones of the journal among them. */
  read(offset: number, target: Uint8Array): void {
    this.#reader.read(offset, target);
  }

  /** The names of a directory as they stand in it, `.` and `..` left out. */
  *names(directory: ReadInode): Generator<DirectoryName, void> {
    const { ino, flags, generation } = directory;
    if (directory.type !== EntryType.directory) throw corrupt(`inode ${ino} is not a directory`);
    refuseEncrypted(directory);
    const { blockSize, hasMetadataChecksums } = this.superblock;
    if ((flags & ReadFlag.inlineData) !== 0) return yield* this.#inlineNames(directory);
    const seed = inodeChecksumSeed(this.superblock, ino, generation);
    const end = Math.ceil(directory.size / blockSize);
    const seen = new Set<number>();
    const block = this.#directoryBlock;
    for (const { logical, physical, count } of blockRuns(this.#reader, this.superblock, directory)) {
      for (let i = 0; i < count && logical + i < end; i++) {
        if (seen.has(physical + i)) throw corrupt(`directory inode ${ino}: block ${physical + i} stands twice in it`);
        seen.add(physical + i);
        this.#reader.readBlock(physical + i, `directory inode ${ino}`, block);
        const place = `directory inode ${ino}, block ${physical + i}`;
        if (hasMetadataChecksums) verifyDirectoryBlock(block, (flags & ReadFlag.index) !== 0, seed, place);
        yield* namesIn(block, ino, blockSize);
      }
    }
  }

  *#inlineNames(directory: ReadInode): Generator<DirectoryName, void> {
    const data = inlineData(this.#reader, this.superblock, directory);
    const { ino } = directory;
    yield* namesIn(data.subarray(INLINE_PARENT, Math.min(I_BLOCK_SIZE, data.length)), ino, data.length);
    if (data.length > I_BLOCK_SIZE) yield* namesIn(data.subarray(I_BLOCK_SIZE), ino, data.length);
  }

  /** The names of a directory in the order of their bytes. */
  sortedNames(directory: ReadInode): DirectoryName[] {
    return sortNames(this.names(directory), `inode ${directory.ino}`);
  }

  /** Whether a name is the lost+found that comes with every filesystem, as it was made. */
  isUnusedOwn({ ino }: ReadInode, entry: DirectoryName): boolean {
    const isRoots = ino === EXT4_ROOT_INO && entry.name === LOST_AND_FOUND;
    return isRoots && isUnusedLostAndFound(this, this.inode(entry.ino));
  }

  /** The inode that a name in a directory has; undefined where there is no such name. */
  lookup(directory: ReadInode, name: ByteString): ReadInode | undefined {
    for (const entry of this.names(directory)) if (entry.name === name) return this.inode(entry.ino);
    return undefined;
  }

  /**
   * The inode that a path names, from the root; undefined where there is none. Symlinks lead to places in the image only; the last
   * name's is followed when asked for. Throws `image-corrupt` for more symlinks than the kernel follows.
   */
  resolve(path: ByteString, { followLast = true }: { followLast?: boolean } = {}): ReadInode | undefined {
    const parents: ReadInode[] = [];
    let current = this.root;
    const pending = path.split('/').reverse();
    let symlinks = 0;
    while (pending.length > 0) {
      const name = pending.pop()!;
      if (name === '' || name === '.') continue;
      if (current.type !== EntryType.directory) return undefined;
      if (name === '..') {
        current = parents.pop() ?? current;
        continue;
      }
      const found = this.lookup(current, name);
      if (found === undefined) return undefined;
      const isLast = !pending.some((rest) => rest !== '' && rest !== '.');
      if (found.type === EntryType.symlink && (!isLast || followLast)) {
        if (++symlinks > SYMLINKS_MAX) throw corrupt(`more than ${SYMLINKS_MAX} symlinks in a path`);
        const target = byteString(this.symlinkTarget(found));
        if (target.startsWith('/')) {
          parents.length = 0;
          current = this.root;
        }
        pending.push(...target.split('/').reverse());
        continue;
      }
      parents.push(current);
      current = found;
    }
    return current;
  }

  /** Where the data of a file is, in order, up to its size; what lies between is zeros. */
  *runs(inode: ReadInode): Generator<DataRun, void> {
    refuseEncrypted(inode);
    const { blockSize } = this.superblock;
    for (const { logical, physical, count } of blockRuns(this.#reader, this.superblock, inode)) {
      const offset = logical * blockSize;
      if (offset >= inode.size) return;
      const length = Math.min(count * blockSize, inode.size - offset);
      yield { offset, length, imageOffset: physical * blockSize };
    }
  }

  /** The data of a file that is kept in its inode, what of it is not zeros to the end; undefined for every other. */
  inlineFile(inode: ReadInode): Uint8Array | undefined {
    if ((inode.flags & ReadFlag.inlineData) === 0) return undefined;
    refuseEncrypted(inode);
    const data = inlineData(this.#reader, this.superblock, inode);
    return data.subarray(0, Math.min(inode.size, data.length));
  }

  /** Fills `target` with a file's bytes from `offset`; returns how many there were. */
  readFile(inode: ReadInode, offset: number, target: Uint8Array): number {
    const end = Math.min(offset + target.length, inode.size);
    if (end <= offset) return 0;
    const inline = this.inlineFile(inode);
    target.fill(0, 0, end - offset);
    if (inline !== undefined) target.set(inline.subarray(offset, end));
    else {
      for (const run of this.runs(inode)) {
        const [from, to] = [Math.max(run.offset, offset), Math.min(run.offset + run.length, end)];
        if (from < to) this.read(run.imageOffset + from - run.offset, target.subarray(from - offset, to - offset));
        if (run.offset >= end) break;
      }
    }
    return end - offset;
  }

  /** The text of a symlink. */
  symlinkTarget(inode: ReadInode): Uint8Array {
    const { ino, size } = inode;
    refuseEncrypted(inode);
    if (inode.type !== EntryType.symlink || size === 0 || size > TARGET_MAX)
      throw corrupt(`inode ${ino}: a symlink of ${size} bytes`);
    const target = new Uint8Array(size);
    if (this.isFastSymlink(inode)) target.set(inode.map.subarray(0, size));
    else this.readFile(inode, 0, target);
    if (target.includes(0)) throw corrupt(`inode ${ino}: a symlink whose target holds a NUL`);
    return target;
  }

  /**
   * A short target is in i_block; a symlink without data of its own has no blocks besides the one of its xattrs. Where the blocks of
   * xattr values count too, its length tells.
   */
  isFastSymlink(inode: ReadInode): boolean {
    if (inode.size >= FAST_SYMLINK_SIZE || (inode.flags & ReadFlag.inlineData) !== 0) return false;
    if ((this.superblock.incompat & INCOMPAT.ea_inode) !== 0) return true;
    const xattrSectors = inode.xattrBlock === 0 ? 0 : this.superblock.blockSize / 512;
    return sectorsOf(this.superblock, inode) - xattrSectors <= 0;
  }

  /** The attributes of an inode in the order of their names; ACLs in the form of Linux's system calls. */
  xattrs(inode: ReadInode): Xattr[] {
    const found = storedXattrs(this.#reader, this.superblock, inode).flatMap((stored) => {
      const value =
        stored.value instanceof Uint8Array ? stored.value : this.#xattrValue(stored.value.ino, stored.size, inode);
      return toXattr(stored, value, inode.ino) ?? [];
    });
    return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** The inodes that hold values of an inode's attributes (ea_inode). */
  xattrValueInodes(inode: ReadInode): ReadInode[] {
    if ((this.superblock.incompat & INCOMPAT.ea_inode) === 0) return [];
    return storedXattrs(this.#reader, this.superblock, inode).flatMap(({ value, size }) =>
      value instanceof Uint8Array ? [] : [this.#valueInode(value.ino, size, inode)],
    );
  }

  #valueInode(ino: number, size: number, owner: ReadInode): ReadInode {
    const inode = this.inode(ino);
    const isValue = inode.type === EntryType.file && (inode.flags & ReadFlag.eaInode) !== 0;
    if (!isValue || inode.size !== size)
      throw corrupt(`inode ${owner.ino}: an xattr of ${size} bytes in inode ${ino}, which holds none`);
    return inode;
  }

  /** A value that has an inode of its own: its i_atime holds the hash; Lustre's old ones name their owner instead. */
  #xattrValue(ino: number, size: number, owner: ReadInode): Uint8Array {
    const inode = this.#valueInode(ino, size, owner);
    const value = new Uint8Array(size);
    this.readFile(inode, 0, value);
    const isLustre = inode.mtime.seconds >>> 0 === owner.ino && inode.generation === owner.generation;
    const hash = crc32c(this.superblock.checksumSeed, value);
    if (!isLustre) checkChecksum(inode.atime.seconds >>> 0, hash, `xattr inode ${ino}`);
    return value;
  }

  #journalFile(): Parameters<typeof readJournal>[0] {
    const { s_journal_inum: ino } = this.superblock.fields;
    if (ino === 0) throw unsupported('the journal is on another device, and was not emptied');
    const inode = this.inode(ino);
    const { blockSize } = this.superblock;
    const count = Math.floor(inode.size / blockSize);
    const runs: BlockRun[] = [];
    for (const run of blockRuns(this.#reader, this.superblock, inode)) {
      if (runs.push(run) > JOURNAL_RUNS_MAX) throw unsupported(`a journal in more than ${JOURNAL_RUNS_MAX} pieces`);
    }
    const physical = (block: number): number => {
      const run = lastRunFrom(runs, block);
      if (run === undefined || block >= run.logical + run.count) throw corrupt(`the journal has no block ${block}`);
      return run.physical + block - run.logical;
    };
    return {
      blockSize,
      count,
      imageOffset: (block) => physical(block) * blockSize,
      read: (block) => this.#reader.block(physical(block), 'journal'),
    };
  }
}

/** The last of ascending runs that begins at `block` or before it. */
function lastRunFrom(runs: readonly BlockRun[], block: number): BlockRun | undefined {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[middle]!.logical <= block) low = middle + 1;
    else high = middle;
  }
  return runs[low - 1];
}

function refuseEncrypted({ ino, flags }: ReadInode): void {
  if ((flags & ReadFlag.encrypt) !== 0) throw unsupported(`inode ${ino} is encrypted`);
}
