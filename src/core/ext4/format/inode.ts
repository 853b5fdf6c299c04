import { bytes, struct, u16, u32 } from '../../struct.ts';
import { EntryType } from '../../layer/entry.ts';

/** struct ext4_inode, 256 bytes, of which i_extra_isize covers the first 160. https://docs.kernel.org/filesystems/ext4/inodes.html */
export const Inode = struct('ext4_inode', 256, {
  i_mode: u16(0x00),
  i_uid: u16(0x02),
  i_size_lo: u32(0x04),
  i_atime: u32(0x08),
  i_ctime: u32(0x0c),
  i_mtime: u32(0x10),
  i_dtime: u32(0x14),
  i_gid: u16(0x18),
  i_links_count: u16(0x1a),
  i_blocks_lo: u32(0x1c),
  i_flags: u32(0x20),
  i_version: u32(0x24),
  i_block: bytes(0x28, 60),
  i_generation: u32(0x64),
  i_file_acl_lo: u32(0x68),
  i_size_high: u32(0x6c),
  i_obso_faddr: u32(0x70),
  i_blocks_high: u16(0x74),
  i_file_acl_high: u16(0x76),
  i_uid_high: u16(0x78),
  i_gid_high: u16(0x7a),
  i_checksum_lo: u16(0x7c),
  i_extra_isize: u16(0x80),
  i_checksum_hi: u16(0x82),
  i_ctime_extra: u32(0x84),
  i_mtime_extra: u32(0x88),
  i_atime_extra: u32(0x8c),
  i_crtime: u32(0x90),
  i_crtime_extra: u32(0x94),
  i_version_hi: u32(0x98),
  i_projid: u32(0x9c),
});

/** The size of inodes that end where i_extra_isize begins (EXT2_GOOD_OLD_INODE_SIZE). */
export const EXT2_GOOD_OLD_INODE_SIZE = 128;
/** i_extra_isize: the bytes after the first 128 that hold fields. */
export const EXTRA_ISIZE = 32;
/** Where xattrs begin in an inode, in bytes. */
export const INODE_XATTRS_OFFSET = EXT2_GOOD_OLD_INODE_SIZE + EXTRA_ISIZE;
/** The longest symlink target that i_block holds, in bytes: a NUL follows it. */
export const FAST_SYMLINK_MAX = 59;

/** i_flags. */
export const InodeFlag = {
  index: 0x1000,
  extents: 0x8_0000,
  verity: 0x10_0000,
  eaInode: 0x20_0000,
  inlineData: 0x1000_0000,
} as const;

/** The file type bits of i_mode for an EntryType. */
export const S_IFMT_OF: Readonly<Record<number, number>> = {
  [EntryType.file]: 0o100000,
  [EntryType.directory]: 0o040000,
  [EntryType.characterDevice]: 0o020000,
  [EntryType.blockDevice]: 0o060000,
  [EntryType.fifo]: 0o010000,
  [EntryType.socket]: 0o140000,
  [EntryType.symlink]: 0o120000,
};

/** Inode numbers with a meaning. */
export const EXT4_ROOT_INO = 2;
/** The boot loader's: a file without a name, which ext4 itself never looks at. */
export const EXT4_BOOT_LOADER_INO = 5;
/** The resize inode: blocks for descriptors of groups to come. */
export const EXT4_RESIZE_INO = 7;
export const EXT4_JOURNAL_INO = 8;
/** s_first_ino, the first that is not reserved; lost+found has it. */
export const EXT4_GOOD_OLD_FIRST_INO = 11;
/** The most names of one file (EXT4_LINK_MAX); a directory with more links counts 1. */
export const EXT4_LINK_MAX = 65_000;
/** The same on ext2, for directories too (EXT2_LINK_MAX). */
export const EXT2_LINK_MAX = 32_000;

/** The words of i_block without extents: direct blocks, then the blocks of one, two and three levels of indirect ones. */
export const EXT2_NDIR_BLOCKS = 12;
export const EXT2_IND_BLOCK = 12;
export const EXT2_DIND_BLOCK = 13;
