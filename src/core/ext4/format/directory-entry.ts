import { struct, u8, u16, u32 } from '../../struct.ts';

/** struct ext4_dir_entry_2 without its name, 8 bytes. https://docs.kernel.org/filesystems/ext4/directory.html */
export const DirectoryEntry = struct('ext4_dir_entry_2', 8, {
  inode: u32(0x0),
  rec_len: u16(0x4),
  name_len: u8(0x6),
  file_type: u8(0x7),
});

/** struct ext4_dir_entry_tail, the last 12 bytes of a directory's leaf block. */
export const DirectoryEntryTail = struct('ext4_dir_entry_tail', 12, {
  det_reserved_zero1: u32(0x0),
  det_rec_len: u16(0x4),
  det_reserved_zero2: u8(0x6),
  det_reserved_ft: u8(0x7),
  det_checksum: u32(0x8),
});
/** det_reserved_ft. */
export const EXT4_FT_DIR_CSUM = 0xde;

/** struct dx_root_info, 8 bytes, behind the entries of `.` and `..`. */
export const DxRootInfo = struct('dx_root_info', 8, {
  reserved_zero: u32(0x0),
  hash_version: u8(0x4),
  info_length: u8(0x5),
  indirect_levels: u8(0x6),
  unused_flags: u8(0x7),
});
/** Where dx_root_info stands in a directory's first block. */
export const DX_ROOT_INFO_OFFSET = 24;
/** Where the entries of dx_root and of dx_node begin. */
export const DX_ROOT_ENTRIES_OFFSET = 32;
export const DX_NODE_ENTRIES_OFFSET = 8;

/** struct dx_entry, 8 bytes; the first of a block holds struct dx_countlimit in place of its hash. */
export const DxEntry = struct('dx_entry', 8, { hash: u32(0x0), block: u32(0x4) });
export const DxCountLimit = struct('dx_countlimit', 4, { limit: u16(0x0), count: u16(0x2) });

/** struct dx_tail, 8 bytes behind the last possible entry. */
export const DxTail = struct('dx_tail', 8, { dt_reserved: u32(0x0), dt_checksum: u32(0x4) });
