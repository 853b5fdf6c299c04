/** Structures of the journal, all big-endian. https://docs.kernel.org/filesystems/ext4/journal.html */

/** h_magic of every block of the log that is not data. */
export const JBD2_MAGIC_NUMBER = 0xc03b_3998;

/** h_blocktype. */
export const JournalBlockType = { descriptor: 1, commit: 2, superblockV1: 3, superblockV2: 4, revoke: 5 } as const;

/** Where fields of struct journal_header_s and journal_superblock_s stand, in bytes. */
export const JournalOffset = {
  h_magic: 0x0,
  h_blocktype: 0x4,
  h_sequence: 0x8,
  s_blocksize: 0xc,
  s_maxlen: 0x10,
  s_first: 0x14,
  s_sequence: 0x18,
  s_start: 0x1c,
  s_feature_incompat: 0x28,
  s_uuid: 0x30,
  s_nr_users: 0x40,
  s_checksum_type: 0x50,
  s_num_fc_blks: 0x54,
  s_checksum: 0xfc,
  /** Of struct commit_header. */
  h_chksum: 0x10,
  /** Of struct jbd2_journal_revoke_header_s: the bytes in use, its header included. */
  r_count: 0xc,
} as const;

/** The bytes of the journal's superblock, of a block's header, and of a revoke block's. */
export const JOURNAL_SUPERBLOCK_SIZE = 1024;
export const JOURNAL_HEADER_SIZE = 12;
export const REVOKE_HEADER_SIZE = 16;

/** s_feature_incompat. */
export const JournalIncompat = {
  revoke: 0x1,
  '64bit': 0x2,
  async_commit: 0x4,
  csum_v2: 0x8,
  csum_v3: 0x10,
  fast_commit: 0x20,
} as const;

/** s_checksum_type. */
export const JBD2_CRC32C_CHKSUM = 4;

/** t_flags of a tag. */
export const TagFlag = { escape: 0x1, sameUuid: 0x2, last: 0x8 } as const;

/** s_num_fc_blks where the field is zero. */
export const DEFAULT_FAST_COMMIT_BLOCKS = 256;
