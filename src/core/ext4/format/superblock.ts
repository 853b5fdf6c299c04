import { bytes, struct, u8, u16, u32 } from '../../struct.ts';

/** Where the superblock stands in the image, in bytes, whatever the block size. */
export const SUPERBLOCK_OFFSET = 1024;
/** s_magic. */
export const EXT4_SUPER_MAGIC = 0xef53;

/** struct ext4_super_block, 1024 bytes. https://docs.kernel.org/filesystems/ext4/super.html */
export const Superblock = struct('ext4_super_block', 1024, {
  s_inodes_count: u32(0x000),
  s_blocks_count_lo: u32(0x004),
  s_r_blocks_count_lo: u32(0x008),
  s_free_blocks_count_lo: u32(0x00c),
  s_free_inodes_count: u32(0x010),
  s_first_data_block: u32(0x014),
  s_log_block_size: u32(0x018),
  s_log_cluster_size: u32(0x01c),
  s_blocks_per_group: u32(0x020),
  s_clusters_per_group: u32(0x024),
  s_inodes_per_group: u32(0x028),
  s_mtime: u32(0x02c),
  s_wtime: u32(0x030),
  s_mnt_count: u16(0x034),
  s_max_mnt_count: u16(0x036),
  s_magic: u16(0x038),
  s_state: u16(0x03a),
  s_errors: u16(0x03c),
  s_minor_rev_level: u16(0x03e),
  s_lastcheck: u32(0x040),
  s_checkinterval: u32(0x044),
  s_creator_os: u32(0x048),
  s_rev_level: u32(0x04c),
  s_def_resuid: u16(0x050),
  s_def_resgid: u16(0x052),
  s_first_ino: u32(0x054),
  s_inode_size: u16(0x058),
  s_block_group_nr: u16(0x05a),
  s_feature_compat: u32(0x05c),
  s_feature_incompat: u32(0x060),
  s_feature_ro_compat: u32(0x064),
  s_uuid: bytes(0x068, 16),
  s_volume_name: bytes(0x078, 16),
  s_last_mounted: bytes(0x088, 64),
  s_reserved_gdt_blocks: u16(0x0ce),
  s_journal_uuid: bytes(0x0d0, 16),
  s_journal_inum: u32(0x0e0),
  s_journal_dev: u32(0x0e4),
  s_last_orphan: u32(0x0e8),
  s_hash_seed: bytes(0x0ec, 16),
  s_def_hash_version: u8(0x0fc),
  s_jnl_backup_type: u8(0x0fd),
  s_desc_size: u16(0x0fe),
  s_default_mount_opts: u32(0x100),
  s_first_meta_bg: u32(0x104),
  s_mkfs_time: u32(0x108),
  s_jnl_blocks: bytes(0x10c, 68),
  s_blocks_count_hi: u32(0x150),
  s_r_blocks_count_hi: u32(0x154),
  s_free_blocks_count_hi: u32(0x158),
  s_min_extra_isize: u16(0x15c),
  s_want_extra_isize: u16(0x15e),
  s_flags: u32(0x160),
  s_log_groups_per_flex: u8(0x174),
  s_checksum_type: u8(0x175),
  s_kbytes_written: bytes(0x178, 8),
  s_overhead_clusters: u32(0x248),
  s_backup_bgs: bytes(0x24c, 8),
  s_checksum_seed: u32(0x270),
  s_wtime_hi: u8(0x274),
  s_mtime_hi: u8(0x275),
  s_mkfs_time_hi: u8(0x276),
  s_lastcheck_hi: u8(0x277),
  s_checksum: u32(0x3fc),
});

/** s_state: cleanly unmounted. */
export const EXT4_VALID_FS = 0x1;
/** s_errors: go on. */
export const EXT4_ERRORS_CONTINUE = 1;
/** s_rev_level: inode size and features are in the superblock. */
export const EXT4_DYNAMIC_REV = 1;
/** s_flags: directory hashes treat a name's bytes as unsigned. */
export const EXT2_FLAGS_UNSIGNED_HASH = 0x2;
/** s_jnl_backup_type: s_jnl_blocks has the journal inode's i_block, i_size_high and i_size_lo. */
export const EXT3_JNL_BACKUP_BLOCKS = 1;
/** s_checksum_type. */
export const EXT4_CRC32C_CHKSUM = 1;
