import { struct, u16, u32 } from '../../struct.ts';

/** struct ext4_extent_header, 12 bytes. https://docs.kernel.org/filesystems/ext4/ifork.html#extent-tree */
export const ExtentHeader = struct('ext4_extent_header', 12, {
  eh_magic: u16(0x0),
  eh_entries: u16(0x2),
  eh_max: u16(0x4),
  eh_depth: u16(0x6),
  eh_generation: u32(0x8),
});

/** struct ext4_extent, 12 bytes: a leaf's entry. */
export const Extent = struct('ext4_extent', 12, {
  ee_block: u32(0x0),
  ee_len: u16(0x4),
  ee_start_hi: u16(0x6),
  ee_start_lo: u32(0x8),
});

/** struct ext4_extent_idx, 12 bytes: an inner node's entry. */
export const ExtentIndex = struct('ext4_extent_idx', 12, {
  ei_block: u32(0x0),
  ei_leaf_lo: u32(0x4),
  ei_leaf_hi: u16(0x8),
});

/** eh_magic. */
export const EXT4_EXT_MAGIC = 0xf30a;
/** The most blocks that one initialized extent maps (EXT_INIT_MAX_LEN). */
export const EXT_INIT_MAX_LEN = 32_768;
/** The most blocks of one file (EXT_MAX_BLOCKS). */
export const EXT_MAX_BLOCKS = 2 ** 32 - 1;
/** How many entries the root in i_block holds. */
export const ROOT_ENTRIES_MAX = 4;
