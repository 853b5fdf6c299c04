import { struct, u16, u32 } from '../../struct.ts';

/** struct ext4_group_desc, of which only 64bit has what is behind the first 32 bytes. https://docs.kernel.org/filesystems/ext4/group_descr.html */
export const GroupDescriptor = struct('ext4_group_desc', 64, {
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
  bg_block_bitmap_hi: u32(0x20),
  bg_inode_bitmap_hi: u32(0x24),
  bg_inode_table_hi: u32(0x28),
  bg_free_blocks_count_hi: u16(0x2c),
  bg_free_inodes_count_hi: u16(0x2e),
  bg_used_dirs_count_hi: u16(0x30),
  bg_itable_unused_hi: u16(0x32),
  bg_exclude_bitmap_hi: u32(0x34),
  bg_block_bitmap_csum_hi: u16(0x38),
  bg_inode_bitmap_csum_hi: u16(0x3a),
});

/** Their sizes without 64bit and with it, in bytes. */
export const GROUP_DESCRIPTOR_SIZE = 32;
export const GROUP_DESCRIPTOR_64BIT_SIZE = GroupDescriptor.size;

/** bg_flags. */
export const GroupFlag = { inodeUninit: 0x1, blockUninit: 0x2, inodeZeroed: 0x4 } as const;
