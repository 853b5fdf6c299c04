import { struct, u8, u16, u32 } from '../../struct.ts';

/** struct ext4_xattr_ibody_header, 4 bytes. https://docs.kernel.org/filesystems/ext4/attributes.html */
export const XattrInodeHeader = struct('ext4_xattr_ibody_header', 4, { h_magic: u32(0x0) });

/** struct ext4_xattr_header, 32 bytes. */
export const XattrHeader = struct('ext4_xattr_header', 32, {
  h_magic: u32(0x00),
  h_refcount: u32(0x04),
  h_blocks: u32(0x08),
  h_hash: u32(0x0c),
  h_checksum: u32(0x10),
});

/** struct ext4_xattr_entry without its name, 16 bytes. */
export const XattrEntry = struct('ext4_xattr_entry', 16, {
  e_name_len: u8(0x0),
  e_name_index: u8(0x1),
  e_value_offs: u16(0x2),
  e_value_inum: u32(0x4),
  e_value_size: u32(0x8),
  e_hash: u32(0xc),
});

/** h_magic. */
export const EXT4_XATTR_MAGIC = 0xea02_0000;
/** The most inodes that share one block (EXT4_XATTR_REFCOUNT_MAX). */
export const EXT4_XATTR_REFCOUNT_MAX = 1024;
/** The longest value that Linux serves, in bytes. */
export const XATTR_SIZE_MAX = 65_536;

/** e_name_index of what the kernel keeps for itself: `system.`, where inline data is. */
export const XATTR_INDEX_SYSTEM = 7;
/** e_name_index of the prefixes that Linux serves; a name keeps what follows its prefix. The longest match counts. */
export const XATTR_NAME_INDEX: readonly (readonly [prefix: string, index: number])[] = [
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
];
