import { crc32c } from 'ext2fs-wasm';
import { EntryType } from '../../layer/entry.ts';
import type { ReadableInode, Time } from '../../reading/filesystem.ts';
import { from64, viewOf } from '../../struct.ts';
import { Inode, S_IFMT_OF } from '../format/inode.ts';
import type { BlockReader } from './block-reader.ts';
import { checkChecksum, corrupt } from './failure.ts';
import { INCOMPAT, RO_COMPAT } from '../format/features.ts';
import type { InodeTables } from './group-descriptors.ts';
import type { ReadSuperblock } from './superblock.ts';

/** i_flags that decide how an inode is read. */
export const ReadFlag = {
  encrypt: 0x800,
  index: 0x1000,
  hugeFile: 0x4_0000,
  extents: 0x8_0000,
  eaInode: 0x20_0000,
  inlineData: 0x1000_0000,
} as const;

/** What an inode says. */
export interface ReadInode extends ReadableInode {
  /** i_flags and i_generation. */
  readonly flags: number;
  readonly generation: number;
  /** i_block, 60 bytes. */
  readonly map: Uint8Array;
  /** i_file_acl: the block of xattrs, or 0. */
  readonly xattrBlock: number;
  /** How many bytes behind the first 128 hold fields. */
  readonly extraSize: number;
  /** The inode as it is on disk, and a view of it. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const GOOD_OLD_INODE_SIZE = 128;
const MODE_MASK = 0o7777;
const TYPE_MASK = 0o170000;
const TYPE_OF = new Map<number, EntryType>(
  Object.entries(S_IFMT_OF).map(([type, format]) => [format, Number(type) as EntryType]),
);

const At = Inode.fields;

/** Reads inode `ino`. Throws `image-corrupt` for one that is out of range, not in use, or damaged. */
export function readInode(
  reader: BlockReader,
  superblock: ReadSuperblock,
  tables: InodeTables,
  ino: number,
): ReadInode {
  const bytes = rawInode(reader, superblock, tables, ino);
  const view = viewOf(bytes);
  const u16 = (field: Field): number => view.getUint16(field.offset, true);
  const u32 = (field: Field): number => view.getUint32(field.offset, true);
  const iMode = u16(At.i_mode);
  const type = TYPE_OF.get(iMode & TYPE_MASK);
  if (type === undefined) throw corrupt(`inode ${ino} is not in use, or of no type: i_mode 0${iMode.toString(8)}`);
  const extraSize = bytes.length > GOOD_OLD_INODE_SIZE ? u16(At.i_extra_isize) : 0;
  if (extraSize > bytes.length - GOOD_OLD_INODE_SIZE || extraSize % 4 !== 0)
    throw corrupt(`inode ${ino} of ${bytes.length} bytes: i_extra_isize ${extraSize}`);
  verify(superblock, { ino, bytes, view, extraSize });
  const isDevice = type === EntryType.characterDevice || type === EntryType.blockDevice;
  const map = bytes.subarray(At.i_block.offset, At.i_block.offset + At.i_block.size);
  const [deviceMajor, deviceMinor] = isDevice ? deviceOf(map) : [0, 0];
  const isLong = type === EntryType.file || (superblock.incompat & INCOMPAT.large_dir) !== 0;
  const size = from64(u32(At.i_size_lo), isLong ? u32(At.i_size_high) : 0);
  if (!Number.isSafeInteger(size)) throw corrupt(`inode ${ino} has ${size} bytes`);
  const has = ({ offset, size: length }: Field): boolean => GOOD_OLD_INODE_SIZE + extraSize >= offset + length;
  const time = (low: Field, extra: Field): Time => timeOf(u32(low), has(extra) ? u32(extra) : 0);
  return {
    ino,
    place: ino,
    type,
    mode: iMode & MODE_MASK,
    uid: u16(At.i_uid) + u16(At.i_uid_high) * 0x1_0000,
    gid: u16(At.i_gid) + u16(At.i_gid_high) * 0x1_0000,
    links: u16(At.i_links_count),
    size,
    mtime: time(At.i_mtime, At.i_mtime_extra),
    atime: time(At.i_atime, At.i_atime_extra),
    ctime: time(At.i_ctime, At.i_ctime_extra),
    crtime: has(At.i_crtime) ? time(At.i_crtime, At.i_crtime_extra) : undefined,
    deviceMajor,
    deviceMinor,
    flags: u32(At.i_flags),
    generation: u32(At.i_generation),
    map,
    xattrBlock: from64(u32(At.i_file_acl_lo), u16(At.i_file_acl_high)),
    extraSize,
    bytes,
    view,
  };
}

/** Whether inode `ino` is a file of any type. Throws `image-corrupt` for one that is out of range. */
export function isInodeUsed(
  reader: BlockReader,
  superblock: ReadSuperblock,
  tables: InodeTables,
  ino: number,
): boolean {
  return viewOf(rawInode(reader, superblock, tables, ino)).getUint16(At.i_mode.offset, true) !== 0;
}

interface Field {
  readonly offset: number;
  readonly size: number;
}

function rawInode(reader: BlockReader, superblock: ReadSuperblock, tables: InodeTables, ino: number): Uint8Array {
  const { inodeSize, blockSize } = superblock;
  const offset = inodeOffset(superblock, tables, ino);
  const block = reader.block(Math.floor(offset / blockSize), `inode ${ino}`);
  return block.subarray(offset % blockSize, (offset % blockSize) + inodeSize);
}

/** Where inode `ino` begins, in bytes of the image. Throws `image-corrupt` for one that is out of range. */
export function inodeOffset(
  { fields, inodeSize, blockSize }: ReadSuperblock,
  tables: InodeTables,
  ino: number,
): number {
  if (ino === 0 || ino > fields.s_inodes_count) throw corrupt(`inode ${ino} of ${fields.s_inodes_count}`);
  const index = (ino - 1) % fields.s_inodes_per_group;
  const table = tables.blockOf(Math.floor((ino - 1) / fields.s_inodes_per_group));
  return table * blockSize + index * inodeSize;
}

/** The checksum seed of an inode and of what belongs to it. */
export function inodeChecksumSeed({ checksumSeed }: ReadSuperblock, ino: number, generation: number): number {
  scratchView.setUint32(0, ino, true);
  scratchView.setUint32(4, generation, true);
  return crc32c(checksumSeed, scratch);
}

const scratch = new Uint8Array(8);
const scratchView = viewOf(scratch);
const INODE_SIZE_MAX = 65_536;
/** What an inode's checksum covers: its number and generation, and itself. */
const covered = new Uint8Array(scratch.length + INODE_SIZE_MAX);

/** The two halves of an inode's checksum count as zeros. */
function verify(
  superblock: ReadSuperblock,
  { ino, bytes, view, extraSize }: Pick<ReadInode, 'ino' | 'bytes' | 'view' | 'extraSize'>,
): void {
  if (!superblock.hasMetadataChecksums) return;
  const { i_checksum_lo: low, i_checksum_hi: high } = At;
  const start = scratch.length;
  const input = covered.subarray(0, start + bytes.length);
  scratchView.setUint32(0, ino, true);
  scratchView.setUint32(4, view.getUint32(At.i_generation.offset, true), true);
  input.set(scratch);
  input.set(bytes, start);
  input.fill(0, start + low.offset, start + low.offset + low.size);
  const hasHigh = GOOD_OLD_INODE_SIZE + extraSize >= high.offset + high.size;
  if (hasHigh) input.fill(0, start + high.offset, start + high.offset + high.size);
  const crc = crc32c(superblock.checksumSeed, input);
  const found = view.getUint16(low.offset, true);
  if (hasHigh) checkChecksum(found + view.getUint16(high.offset, true) * 0x1_0000, crc, `inode ${ino}`);
  else checkChecksum(found, crc & 0xffff, `inode ${ino}`);
}

/** 32 bits of seconds, signed; two more above them, and 30 of nanoseconds. */
function timeOf(low: number, extra: number): Time {
  return { seconds: (low | 0) + (extra & 3) * 0x1_0000_0000, nanoseconds: Math.min(extra >>> 2, 999_999_999) };
}

/** The numbers of a device, from the old encoding, or where it is zero from the new one. */
function deviceOf(iBlock: Uint8Array): [major: number, minor: number] {
  const view = viewOf(iBlock);
  const old = view.getUint32(0, true);
  if (old !== 0) return [(old >>> 8) & 0xff, old & 0xff];
  const device = view.getUint32(4, true);
  return [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xf_ff00)];
}

/** How many 512-byte sectors an inode takes, xattr block included. */
export function sectorsOf(superblock: ReadSuperblock, { view, flags }: ReadInode): number {
  const low = view.getUint32(At.i_blocks_lo.offset, true);
  if ((superblock.roCompat & RO_COMPAT.huge_file) === 0) return low;
  const count = from64(low, view.getUint16(At.i_blocks_high.offset, true));
  return (flags & ReadFlag.hugeFile) === 0 ? count : count * (superblock.blockSize / 512);
}
