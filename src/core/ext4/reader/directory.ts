import { crc32c } from 'ext2fs-wasm';
import { byteString } from '../../bytes.ts';
import type { DirectoryName } from '../../reading/filesystem.ts';
import { viewOf } from '../../struct.ts';
import {
  DirectoryEntry,
  DirectoryEntryTail,
  DX_NODE_ENTRIES_OFFSET,
  DX_ROOT_ENTRIES_OFFSET,
  EXT4_FT_DIR_CSUM,
} from '../format/directory-entry.ts';
import { checkChecksum, corrupt } from './failure.ts';

/** The last value of rec_len, which like zero stands for all of a block of 64 KiB (EXT4_MAX_REC_LEN). */
const REC_LEN_MAX = 0xffff;
const DOT_RECORD = 12;

/** The names of a directory's block, or of a part of one; `.` and `..` are left out. Throws `image-corrupt`. */
export function namesIn(block: Uint8Array, ino: number, blockSize: number): DirectoryName[] {
  const view = viewOf(block);
  const found: DirectoryName[] = [];
  for (let at = 0; at < block.length; ) {
    if (at + DirectoryEntry.size > block.length)
      throw corrupt(`directory inode ${ino}: an entry that ends outside its block`);
    const length = recordLength(view.getUint16(at + 4, true), blockSize);
    const nameLength = view.getUint8(at + 6);
    if (length < DirectoryEntry.size || length % 4 !== 0 || at + length > block.length) {
      throw corrupt(
        `directory inode ${ino}: an entry of ${length} bytes, ${block.length - at} before the end of its block`,
      );
    }
    const entryIno = view.getUint32(at, true);
    if (entryIno !== 0) {
      const end = at + DirectoryEntry.size + nameLength;
      if (nameLength === 0 || end > at + length)
        throw corrupt(`directory inode ${ino}: a name of ${nameLength} bytes in an entry of ${length}`);
      const name = byteString(block.subarray(at + DirectoryEntry.size, end));
      if (name.includes('/') || name.includes('\0'))
        throw corrupt(`directory inode ${ino}: a name that holds a slash or a NUL`);
      if (name !== '.' && name !== '..') found.push({ name, ino: entryIno });
    }
    at += length;
  }
  return found;
}

function recordLength(recLen: number, blockSize: number): number {
  if (recLen === REC_LEN_MAX || (recLen === 0 && blockSize > REC_LEN_MAX)) return blockSize;
  return (recLen & ~3) | ((recLen & 3) << 16);
}

/**
 * Verifies a directory block's checksum: at the end of a block of names, or behind the entries of a node of the index. Throws
 * `image-corrupt`.
 */
export function verifyDirectoryBlock(block: Uint8Array, isIndexed: boolean, seed: number, place: string): void {
  const view = viewOf(block);
  const entriesOffset = isIndexed ? indexOffset(view, block.length) : undefined;
  if (entriesOffset !== undefined) return verifyIndexNode(block, entriesOffset, seed, place);
  const tail = block.length - DirectoryEntryTail.size;
  const isTail = view.getUint32(tail, true) === 0 && view.getUint8(tail + 7) === EXT4_FT_DIR_CSUM;
  if (!isTail) throw corrupt(`${place}: no checksum at its end`);
  checkChecksum(view.getUint32(tail + 8, true), crc32c(seed, block.subarray(0, tail)), place);
}

/** Where the entries of a node of the index begin, when a block is one: its names span it whole. */
function indexOffset(view: DataView, blockSize: number): number | undefined {
  const first = recordLength(view.getUint16(4, true), blockSize);
  if (view.getUint32(0, true) === 0 && first === blockSize) return DX_NODE_ENTRIES_OFFSET;
  const second = recordLength(view.getUint16(DOT_RECORD + 4, true), blockSize);
  return first === DOT_RECORD && second === blockSize - DOT_RECORD ? DX_ROOT_ENTRIES_OFFSET : undefined;
}

function verifyIndexNode(block: Uint8Array, entriesOffset: number, seed: number, place: string): void {
  const view = viewOf(block);
  const [limit, count] = [view.getUint16(entriesOffset, true), view.getUint16(entriesOffset + 2, true)];
  const tail = entriesOffset + 8 * limit;
  if (count > limit || tail + 8 > block.length) throw corrupt(`${place}: an index of ${count} of ${limit} entries`);
  const entries = crc32c(seed, block.subarray(0, entriesOffset + 8 * count));
  const computed = crc32c(crc32c(entries, block.subarray(tail, tail + 4)), new Uint8Array(4));
  checkChecksum(view.getUint32(tail + 4, true), computed, place);
}
