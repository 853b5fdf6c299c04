import { crc32c } from 'ext2fs-wasm';
import { from64 } from '../../struct.ts';
import {
  DEFAULT_FAST_COMMIT_BLOCKS,
  JBD2_MAGIC_NUMBER,
  JOURNAL_HEADER_SIZE,
  JOURNAL_SUPERBLOCK_SIZE,
  JournalBlockType,
  JournalIncompat,
  JournalOffset as At,
  REVOKE_HEADER_SIZE,
  TagFlag,
} from '../format/journal.ts';
import type { LoggedBlocks } from './block-reader.ts';
import { checkChecksum, corrupt, unsupported } from './failure.ts';

/** A journal's file: its blocks, and where each is in the image. */
export interface JournalFile {
  readonly blockSize: number;
  /** How many blocks it has. */
  readonly count: number;
  /** Where a block of it is in the image, in bytes. Throws `image-corrupt` for one that it has not. */
  imageOffset(block: number): number;
  read(block: number): Uint8Array;
}

const KNOWN = Object.values(JournalIncompat).reduce((a, b) => a | b, 0);
const CHECKSUM_SEED = 0xffff_ffff;
/** How many copies and revoked blocks are kept of a log: four times as many as mke2fs's largest default journal has blocks. */
const LOGGED_MAX = 2 ** 20;
const UUID_SIZE = 16;
/** The first tag of the area of fast commits (EXT4_FC_TAG_HEAD), where its transaction's number stands behind it. */
const FAST_COMMIT_HEAD = 9;
const FAST_COMMIT_TID = 8;

/**
 * What a journal that was not emptied holds for the blocks of the filesystem, as its recovery would write it: of every complete
 * transaction the last copy of each block that no later one revoked. Throws `image-corrupt` or `image-unsupported`.
 * https://docs.kernel.org/filesystems/ext4/journal.html
 */
export function readJournal(file: JournalFile): LoggedBlocks {
  return new Recovery(file).run();
}

interface Tag {
  readonly block: number;
  readonly flags: number;
  readonly checksum: number;
  /** Where the copy is in the log. */
  readonly logBlock: number;
}

interface Transaction {
  readonly sequence: number;
  readonly tags: Tag[];
  readonly revoked: number[];
}

class Recovery {
  readonly #file: JournalFile;
  readonly #first: number;
  readonly #end: number;
  readonly #incompat: number;
  readonly #seed: number;
  readonly #superblock: DataView;

  constructor(file: JournalFile) {
    this.#file = file;
    const bytes = file.read(0);
    const view = viewBig(bytes);
    this.#superblock = view;
    const type = view.getUint32(At.h_blocktype);
    if (view.getUint32(At.h_magic) !== JBD2_MAGIC_NUMBER) throw corrupt('the journal has no superblock');
    if (type !== JournalBlockType.superblockV1 && type !== JournalBlockType.superblockV2)
      throw corrupt(`journal superblock of type ${type}`);
    this.#incompat = type === JournalBlockType.superblockV1 ? 0 : view.getUint32(At.s_feature_incompat);
    if ((this.#incompat & ~KNOWN) !== 0)
      throw unsupported(`journal features 0x${(this.#incompat & ~KNOWN).toString(16)}`);
    this.#seed = crc32c(CHECKSUM_SEED, bytes.subarray(At.s_uuid, At.s_uuid + UUID_SIZE));
    if (this.#hasChecksums) verifySuperblock(bytes);
    const fast = this.#has(JournalIncompat.fast_commit)
      ? view.getUint32(At.s_num_fc_blks) || DEFAULT_FAST_COMMIT_BLOCKS
      : 0;
    const length = view.getUint32(At.s_maxlen);
    this.#first = view.getUint32(At.s_first);
    this.#end = length - fast;
    if (
      view.getUint32(At.s_blocksize) !== file.blockSize ||
      length > file.count ||
      this.#first < 1 ||
      this.#first >= this.#end
    ) {
      throw corrupt(`a journal of ${length} blocks from ${this.#first}, in a file of ${file.count}`);
    }
  }

  run(): LoggedBlocks {
    const start = this.#superblock.getUint32(At.s_start);
    const logged = { imageOffset: new Map<number, number>(), escaped: new Set<number>() };
    if (start === 0) return logged;
    if (start < this.#first || start >= this.#end) throw corrupt(`the log begins at block ${start} of the journal`);
    const transactions = this.#scan(start);
    this.#refuseFastCommits(transactions.length);
    const revoked = new Map<number, number>();
    transactions.forEach(({ revoked: blocks }, i) => blocks.forEach((block) => revoked.set(block, i)));
    for (const [i, { sequence, tags }] of transactions.entries()) {
      for (const tag of tags) {
        if ((revoked.get(tag.block) ?? -1) >= i) continue;
        this.#verifyCopy(tag, sequence);
        logged.imageOffset.set(tag.block, this.#file.imageOffset(tag.logBlock));
        if ((tag.flags & TagFlag.escape) !== 0) logged.escaped.add(tag.block);
        else logged.escaped.delete(tag.block);
      }
    }
    return logged;
  }

  /** The complete transactions from `start` on; the log ends where the next number in the row is not found. */
  #scan(start: number): Transaction[] {
    const transactions: Transaction[] = [];
    let sequence = this.#superblock.getUint32(At.s_sequence);
    let current: Transaction = { sequence, tags: [], revoked: [] };
    let block = start;
    let kept = 0;
    for (let read = 0; read < this.#end - this.#first; ) {
      const bytes = this.#file.read(block);
      const view = viewBig(bytes);
      if (view.getUint32(At.h_magic) !== JBD2_MAGIC_NUMBER || view.getUint32(At.h_sequence) !== sequence) break;
      const type = view.getUint32(At.h_blocktype);
      read++;
      block = this.#next(block);
      if (type === JournalBlockType.commit) {
        if (!this.#isCommitSound(bytes)) break;
        transactions.push(current);
        sequence = (sequence + 1) >>> 0;
        current = { sequence, tags: [], revoked: [] };
        continue;
      }
      if (!this.#isTailSound(bytes)) break;
      if (type === JournalBlockType.revoke) kept += this.#readRevoked(view, current.revoked);
      else if (type === JournalBlockType.descriptor) {
        const count = this.#readTags(view, block, current.tags);
        read += count;
        kept += count;
        for (let i = count; i > 0; i--) block = this.#next(block);
      } else break;
      if (kept > LOGGED_MAX) throw unsupported(`a journal with more than ${LOGGED_MAX} blocks to recover`);
    }
    return transactions;
  }

  /** The tags of a descriptor, whose copies stand in the log from `logBlock` on; returns how many. */
  #readTags(view: DataView, logBlock: number, tags: Tag[]): number {
    const isV3 = this.#has(JournalIncompat.csum_v3);
    const is64bit = this.#has(JournalIncompat['64bit']);
    const size = isV3 ? 16 : 12 + (this.#has(JournalIncompat.csum_v2) ? 2 : 0) - (is64bit ? 0 : 4);
    const end = this.#file.blockSize - (this.#hasChecksums ? 4 : 0);
    let count = 0;
    let copy = logBlock;
    for (let at = JOURNAL_HEADER_SIZE; at + size <= end; ) {
      const flags = isV3 ? view.getUint32(at + 4) : view.getUint16(at + 6);
      const high = is64bit ? view.getUint32(at + 8) : 0;
      const checksum = isV3 ? view.getUint32(at + 12) : view.getUint16(at + 4);
      tags.push({ block: from64(view.getUint32(at), high), flags, checksum, logBlock: copy });
      count++;
      copy = this.#next(copy);
      at += size + ((flags & TagFlag.sameUuid) === 0 ? UUID_SIZE : 0);
      if ((flags & TagFlag.last) !== 0) break;
    }
    return count;
  }

  /** Returns how many. */
  #readRevoked(view: DataView, revoked: number[]): number {
    const before = revoked.length;
    const size = this.#has(JournalIncompat['64bit']) ? 8 : 4;
    const end = view.getUint32(At.r_count);
    if (end > this.#file.blockSize - (this.#hasChecksums ? 4 : 0)) throw corrupt(`a revoke block of ${end} bytes`);
    for (let at = REVOKE_HEADER_SIZE; at + size <= end; at += size) {
      revoked.push(size === 4 ? view.getUint32(at) : from64(view.getUint32(at + 4), view.getUint32(at)));
    }
    return revoked.length - before;
  }

  #verifyCopy({ logBlock, checksum, block }: Tag, sequence: number): void {
    if (!this.#hasChecksums) return;
    const number = new Uint8Array(4);
    viewBig(number).setUint32(0, sequence);
    const computed = crc32c(crc32c(this.#seed, number), this.#file.read(logBlock));
    const found = this.#has(JournalIncompat.csum_v3) ? computed : computed & 0xffff;
    checkChecksum(checksum, found, `the journal's copy of block ${block}`);
  }

  #isCommitSound(bytes: Uint8Array): boolean {
    return !this.#hasChecksums || this.#isSound(bytes, At.h_chksum);
  }

  /** Of descriptors and revoke blocks. */
  #isTailSound(bytes: Uint8Array): boolean {
    return !this.#hasChecksums || this.#isSound(bytes, bytes.length - 4);
  }

  #isSound(bytes: Uint8Array, at: number): boolean {
    return viewBig(bytes).getUint32(at) === checksumWithout(this.#seed, bytes, at);
  }

  /**
   * Fast commits are changes of another kind. Their area, which the kernel has begin one block behind the log, is in use when it
   * begins with the transaction that comes next.
   */
  #refuseFastCommits(transactions: number): void {
    if (!this.#has(JournalIncompat.fast_commit)) return;
    const bytes = this.#file.read(this.#end + 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const next = (this.#superblock.getUint32(At.s_sequence) + transactions) >>> 0;
    if (view.getUint16(0, true) !== FAST_COMMIT_HEAD || view.getUint32(FAST_COMMIT_TID, true) !== next) return;
    throw unsupported('a journal with fast commits that were not replayed; e2fsck -fy or a mount replays them');
  }

  #next(block: number): number {
    return block + 1 < this.#end ? block + 1 : this.#first;
  }

  #has(feature: number): boolean {
    return (this.#incompat & feature) !== 0;
  }

  get #hasChecksums(): boolean {
    return this.#has(JournalIncompat.csum_v2) || this.#has(JournalIncompat.csum_v3);
  }
}

function verifySuperblock(bytes: Uint8Array): void {
  const superblock = bytes.subarray(0, JOURNAL_SUPERBLOCK_SIZE);
  const found = viewBig(bytes).getUint32(At.s_checksum);
  checkChecksum(found, checksumWithout(CHECKSUM_SEED, superblock, At.s_checksum), 'journal superblock');
}

/** The checksum of bytes whose own checksum, four bytes at `at`, counts as zeros. */
function checksumWithout(seed: number, bytes: Uint8Array, at: number): number {
  return crc32c(crc32c(crc32c(seed, bytes.subarray(0, at)), new Uint8Array(4)), bytes.subarray(at + 4));
}

/** A view whose numbers are read as big-endian. */
const viewBig = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
