import { crc32c } from 'ext2fs-wasm';
import { type ByteString, byteString } from '../../bytes.ts';
import type { Xattr } from '../../layer/entry.ts';
import { viewOf } from '../../struct.ts';
import { aclFromDisk } from '../acl.ts';
import { EXT4_XATTR_MAGIC, XATTR_NAME_INDEX, XATTR_SIZE_MAX, XattrEntry, XattrHeader } from '../format/xattr.ts';
import type { BlockReader } from './block-reader.ts';
import { checkChecksum, corrupt, unsupported } from './failure.ts';
import type { ReadInode } from './inode.ts';
import type { ReadSuperblock } from './superblock.ts';

/** An attribute as it stands on disk. */
export interface StoredXattr {
  readonly nameIndex: number;
  /** What follows the prefix that the index stands for. */
  readonly name: ByteString;
  readonly size: number;
  /** The value, or the inode that holds it. */
  readonly value: Uint8Array | { readonly ino: number };
}

/** What all values of an inode may have together, in bytes. */
const VALUES_SIZE_MAX = 2 ** 22;
const GOOD_OLD_INODE_SIZE = 128;

const PREFIXES = new Map(XATTR_NAME_INDEX.map(([prefix, index]) => [index, prefix]));

/** The attributes of an inode as they are stored: those in the inode first, then those of its block. Throws `image-corrupt`. */
export function storedXattrs(reader: BlockReader, superblock: ReadSuperblock, inode: ReadInode): StoredXattr[] {
  const stored = [...inInode(superblock, inode), ...inBlock(reader, superblock, inode)];
  const total = stored.reduce((sum, { size }) => sum + size, 0);
  if (total > VALUES_SIZE_MAX)
    throw unsupported(`inode ${inode.ino}: xattrs of ${total} bytes, at most ${VALUES_SIZE_MAX} are read`);
  return stored;
}

/** The name that users see; undefined for what the kernel does not show. */
function xattrName({ nameIndex, name }: StoredXattr): ByteString | undefined {
  const prefix = PREFIXES.get(nameIndex);
  return prefix === undefined ? undefined : prefix + name;
}

/** An attribute as layers have it; an ACL in the form of Linux's system calls. */
export function toXattr(stored: StoredXattr, value: Uint8Array, ino: number): Xattr | undefined {
  const name = xattrName(stored);
  if (name === undefined) return undefined;
  return { name, value: name.startsWith('system.posix_acl_') ? aclFromDisk(value, ino) : value.slice() };
}

function inInode(superblock: ReadSuperblock, inode: ReadInode): StoredXattr[] {
  const start = GOOD_OLD_INODE_SIZE + inode.extraSize;
  if (start + 4 > inode.bytes.length || superblock.inodeSize === GOOD_OLD_INODE_SIZE) return [];
  if (inode.view.getUint32(start, true) !== EXT4_XATTR_MAGIC) return [];
  const area = inode.bytes.subarray(start + 4);
  return readEntries(area, area, inode.ino);
}

function inBlock(
  reader: BlockReader,
  superblock: ReadSuperblock,
  { ino, xattrBlock: number }: ReadInode,
): StoredXattr[] {
  if (number === 0) return [];
  const block = reader.block(number, `inode ${ino}, xattrs`);
  const header = XattrHeader.read(viewOf(block), 0);
  if (header.h_magic !== EXT4_XATTR_MAGIC || header.h_blocks !== 1) {
    throw corrupt(`inode ${ino}: xattr block ${number} with magic 0x${header.h_magic.toString(16)}`);
  }
  if (superblock.hasMetadataChecksums) {
    const place = new Uint8Array(8);
    viewOf(place).setUint32(0, number % 0x1_0000_0000, true);
    viewOf(place).setUint32(4, Math.floor(number / 0x1_0000_0000), true);
    const { offset, size } = XattrHeader.fields.h_checksum;
    const before = crc32c(crc32c(superblock.checksumSeed, place), block.subarray(0, offset));
    const computed = crc32c(crc32c(before, new Uint8Array(size)), block.subarray(offset + size));
    checkChecksum(header.h_checksum, computed, `inode ${ino}, xattr block ${number}`);
  }
  return readEntries(block.subarray(XattrHeader.size), block, ino);
}

/** Entries stand one after another to four zeros; offsets of values count from the beginning of `values`. */
function readEntries(entries: Uint8Array, values: Uint8Array, ino: number): StoredXattr[] {
  const view = viewOf(entries);
  const found: StoredXattr[] = [];
  for (let at = 0; at + 4 <= entries.length && view.getUint32(at, true) !== 0; ) {
    if (at + XattrEntry.size > entries.length)
      throw corrupt(`inode ${ino}: an xattr entry that ends outside its place`);
    const entry = XattrEntry.read(view, at);
    const nameEnd = at + XattrEntry.size + entry.e_name_len;
    if (nameEnd > entries.length) throw corrupt(`inode ${ino}: an xattr name that ends outside its place`);
    const size = entry.e_value_size;
    if (size > XATTR_SIZE_MAX)
      throw unsupported(`inode ${ino}: an xattr of ${size} bytes, at most ${XATTR_SIZE_MAX} are read`);
    const isElsewhere = entry.e_value_inum !== 0;
    if (!isElsewhere && entry.e_value_offs + size > values.length)
      throw corrupt(`inode ${ino}: an xattr value that ends outside its place`);
    const name = byteString(entries.subarray(at + XattrEntry.size, nameEnd));
    if (name.includes('\0')) throw corrupt(`inode ${ino}: an xattr name that holds a NUL`);
    found.push({
      nameIndex: entry.e_name_index,
      name,
      size,
      value: isElsewhere ? { ino: entry.e_value_inum } : values.subarray(entry.e_value_offs, entry.e_value_offs + size),
    });
    at = (nameEnd + 3) & ~3;
  }
  return found;
}
