import { bytes, struct, u8, u16, u32 } from '../struct.ts';

/** Data and hash blocks have one size here, in bytes. */
export const VERITY_BLOCK_SIZE = 4096;
/** The length of a SHA-256, in bytes. */
export const HASH_SIZE = 32;
/** How many hashes a block of a tree holds. */
export const HASHES_PER_BLOCK = VERITY_BLOCK_SIZE / HASH_SIZE;
/** The longest salt of dm-verity's superblock, in bytes. */
export const SALT_LENGTH_MAX = 256;

/** struct verity_sb, 512 bytes. https://gitlab.com/cryptsetup/cryptsetup/-/wikis/DMVerity#verity-superblock-format */
export const VeritySuperblock = struct('verity_sb', 512, {
  signature: bytes(0x00, 8),
  version: u32(0x08),
  hash_type: u32(0x0c),
  uuid: bytes(0x10, 16),
  algorithm: bytes(0x20, 32),
  data_block_size: u32(0x40),
  hash_block_size: u32(0x44),
  data_blocks_lo: u32(0x48),
  data_blocks_hi: u32(0x4c),
  salt_size: u16(0x50),
  salt: bytes(0x58, SALT_LENGTH_MAX),
});

/** signature. */
export const VERITY_SIGNATURE = 'verity\0\0';
/** hash_type: the salt stands before the block, hashes follow each other. */
export const VERITY_HASH_TYPE_NORMAL = 1;

/** struct fsverity_descriptor, 256 bytes. https://docs.kernel.org/filesystems/fsverity.html#fs-verity-descriptor */
export const FsVerityDescriptor = struct('fsverity_descriptor', 256, {
  version: u8(0x00),
  hash_algorithm: u8(0x01),
  log_blocksize: u8(0x02),
  salt_size: u8(0x03),
  sig_size: u32(0x04),
  data_size_lo: u32(0x08),
  data_size_hi: u32(0x0c),
  root_hash: bytes(0x10, 64),
  salt: bytes(0x50, 32),
});

/** FS_VERITY_HASH_ALG_SHA256. */
export const FS_VERITY_HASH_ALG_SHA256 = 1;
