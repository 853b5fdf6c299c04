import { struct, u16, u32 } from '../../struct.ts';

/** struct ext4_group_desc without 64bit, 32 bytes. https://docs.kernel.org/filesystems/ext4/group_descr.html */
export const GroupDescriptor = struct('ext4_group_desc', 32, {
  bg_block_bitmap_lo: u32(0x00),
  bg_inode_bitmap_lo: u32(0x04),
  bg_inode_table_lo: u32(0x08),
  bg_free_blocks_count_lo: u16(0x0c),
  bg_free_inodes_count_lo: u16(0x0e),
  bg_used_dirs_count_lo: u16(0x10),
  bg_flags: u16(0x12),
  bg_exclude_bitmap_lo: u32(0x14),
  bg_block_bitmap_csum_lo: u16(0x18),
  bg_inode_bitmap_csum_lo: u16(0x1a),
  bg_itable_unused_lo: u16(0x1c),
  bg_checksum: u16(0x1e),
});

/** bg_flags. */
export const GroupFlag = { inodeUninit: 0x1, blockUninit: 0x2, inodeZeroed: 0x4 } as const;
