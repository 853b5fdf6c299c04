import { EXT4_EXT_MAGIC, Extent, ExtentHeader, ROOT_ENTRIES_MAX } from './format/extent.ts';
import { GroupDescriptor } from './format/group-descriptor.ts';
import { EXT4_BOOT_LOADER_INO, Inode, InodeFlag, S_IFMT_OF } from './format/inode.ts';
import { EXT4_SUPER_MAGIC, Superblock, SUPERBLOCK_OFFSET } from './format/superblock.ts';
import { EntryType } from '../layer/entry.ts';
import { decodeRecord, type ImageRecord, RECORD_LENGTH_MAX, recordInvalid } from './record.ts';

/** A range of an image, in bytes. */
export interface Wanted {
  readonly offset: number;
  readonly length: number;
}

const S_IFMT = 0o170000;
/** s_log_block_size of blocks of 64 KiB, the largest. */
const LOG_BLOCK_SIZE_MAX = 6;

/**
 * Finds the record of an image of `size` bytes: asks for ranges inside it, and is sent their bytes. Returns undefined for what
 * is no ext4 filesystem or has no record. Throws `record-invalid` for one that is damaged.
 */
export function* findRecord(size: number): Generator<Wanted, ImageRecord | undefined, Uint8Array> {
  if (size < SUPERBLOCK_OFFSET + Superblock.size) return undefined;
  const superblock = viewOf(yield { offset: SUPERBLOCK_OFFSET, length: Superblock.size });
  const { s_magic, s_log_block_size, s_first_data_block, s_inode_size } = Superblock.fields;
  const logBlockSize = superblock.getUint32(s_log_block_size.offset, true);
  if (superblock.getUint16(s_magic.offset, true) !== EXT4_SUPER_MAGIC || logBlockSize > LOG_BLOCK_SIZE_MAX) {
    return undefined;
  }
  const blockSize = 1024 << logBlockSize;
  const descriptors = (superblock.getUint32(s_first_data_block.offset, true) + 1) * blockSize;
  const descriptor = viewOf(yield inside(size, descriptors, GroupDescriptor.size));
  const table = descriptor.getUint32(GroupDescriptor.fields.bg_inode_table_lo.offset, true) * blockSize;
  const inodeSize = superblock.getUint16(s_inode_size.offset, true);
  const inode = yield inside(size, table + (EXT4_BOOT_LOADER_INO - 1) * inodeSize, Inode.size);
  const file = recordFile(viewOf(inode), blockSize);
  if (file === undefined) return undefined;
  const record = new Uint8Array(file.length);
  for (const { block, start, count } of file.extents) {
    const offset = block * blockSize;
    const length = Math.min(count * blockSize, record.length - offset);
    if (length > 0) record.set(yield inside(size, start * blockSize, length), offset);
  }
  return decodeRecord(record);
}

interface RecordFile {
  readonly length: number;
  /** In blocks, of the file and of the image. */
  readonly extents: readonly { readonly block: number; readonly start: number; readonly count: number }[];
}

/** The file that an inode is; undefined for an inode that is not in use, or not a file as records are. */
function recordFile(inode: DataView, blockSize: number): RecordFile | undefined {
  const at = Inode.fields;
  const isFile = (inode.getUint16(at.i_mode.offset, true) & S_IFMT) === S_IFMT_OF[EntryType.file];
  const hasExtents = (inode.getUint32(at.i_flags.offset, true) & InodeFlag.extents) !== 0;
  if (!isFile || !hasExtents || inode.getUint16(at.i_links_count.offset, true) === 0) return undefined;
  const length = inode.getUint32(at.i_size_lo.offset, true);
  if (length > RECORD_LENGTH_MAX) throw recordInvalid(`has ${length} bytes, at most ${RECORD_LENGTH_MAX} are read`);
  const root = at.i_block.offset;
  const entries = inode.getUint16(root + ExtentHeader.fields.eh_entries.offset, true);
  const magic = inode.getUint16(root + ExtentHeader.fields.eh_magic.offset, true);
  const depth = inode.getUint16(root + ExtentHeader.fields.eh_depth.offset, true);
  if (magic !== EXT4_EXT_MAGIC || depth !== 0 || entries > ROOT_ENTRIES_MAX) {
    throw recordInvalid('is a file whose extents are not in its inode');
  }
  const extents = Array.from({ length: entries }, (_, i) => readExtent(inode, root, i));
  const blocks = Math.ceil(length / blockSize);
  if (extents.reduce((sum, { count }) => sum + count, 0) < blocks) throw recordInvalid('has too few blocks');
  return { length, extents };
}

function readExtent(inode: DataView, root: number, i: number): RecordFile['extents'][number] {
  const extent = root + ExtentHeader.size + i * Extent.size;
  const { ee_block, ee_len, ee_start_hi, ee_start_lo } = Extent.fields;
  const high = inode.getUint16(extent + ee_start_hi.offset, true);
  return {
    block: inode.getUint32(extent + ee_block.offset, true),
    start: high * 2 ** 32 + inode.getUint32(extent + ee_start_lo.offset, true),
    count: inode.getUint16(extent + ee_len.offset, true),
  };
}

function inside(size: number, offset: number, length: number): Wanted {
  if (offset + length > size) throw recordInvalid(`leads to byte ${offset} of an image of ${size}`);
  return { offset, length };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
