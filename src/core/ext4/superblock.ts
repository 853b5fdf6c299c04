import { crc32c } from 'ext2fs-wasm';
import { bytesOf } from '../bytes.ts';
import { high32, low32 } from '../struct.ts';
import { S_CHECKSUM_SEED, S_HASH_SEED, SUPERBLOCK_SEED } from './checksums.ts';
import { EXT4_GOOD_OLD_FIRST_INO, EXTRA_ISIZE, Inode } from './format/inode.ts';
import {
  Compat,
  ContentIncompat,
  EXT2_FLAGS_UNSIGNED_HASH,
  EXT4_CRC32C_CHKSUM,
  EXT4_DYNAMIC_REV,
  EXT4_ERRORS_CONTINUE,
  EXT4_SUPER_MAGIC,
  EXT4_VALID_FS,
  Incompat,
  RoCompat,
  Superblock,
} from './format/superblock.ts';
import type { Geometry } from './geometry.ts';
import type { Ext4Options } from './options.ts';

/** s_def_hash_version: half-MD4. */
const DX_HASH_HALF_MD4 = 1;
/** s_max_mnt_count: never check because of the number of mounts. */
const NO_MOUNT_LIMIT = 0xffff;
/** s_log_groups_per_flex, as mke2fs has it; our tables lie before all data whatever it says. */
const LOG_GROUPS_PER_FLEX = 4;
/** The last second that a superblock's 40 bits hold. */
const SUPERBLOCK_SECONDS_MAX = 2 ** 40 - 1;

const union = (features: Readonly<Record<string, number>>): number => Object.values(features).reduce((a, b) => a | b);

/** Writes the superblock, 1024 bytes; `needed` are the features that the content needs. */
export function writeSuperblock(
  view: DataView,
  geometry: Geometry,
  options: Ext4Options,
  uuid: Uint8Array,
  free: { readonly freeBlocks: number; readonly freeInodes: number },
  needed: readonly (keyof typeof ContentIncompat)[],
): void {
  const { blockSize } = options;
  const logBlockSize = Math.log2(blockSize / 1024);
  const time = Math.min(Math.max(options.metadata.epoch, 0), SUPERBLOCK_SECONDS_MAX);
  Superblock.write(view, 0, {
    s_inodes_count: geometry.inodesPerGroup * geometry.groups,
    s_blocks_count_lo: geometry.blocks,
    s_free_blocks_count_lo: free.freeBlocks,
    s_free_inodes_count: free.freeInodes,
    s_first_data_block: geometry.firstDataBlock,
    s_log_block_size: logBlockSize,
    s_log_cluster_size: logBlockSize,
    s_blocks_per_group: geometry.blocksPerGroup,
    s_clusters_per_group: geometry.blocksPerGroup,
    s_inodes_per_group: geometry.inodesPerGroup,
    s_wtime: low32(time),
    s_max_mnt_count: NO_MOUNT_LIMIT,
    s_magic: EXT4_SUPER_MAGIC,
    s_state: EXT4_VALID_FS,
    s_errors: EXT4_ERRORS_CONTINUE,
    s_lastcheck: low32(time),
    s_rev_level: EXT4_DYNAMIC_REV,
    s_first_ino: EXT4_GOOD_OLD_FIRST_INO,
    s_inode_size: Inode.size,
    s_feature_compat: union(Compat),
    s_feature_incompat: needed.reduce((all, name) => all | ContentIncompat[name], union(Incompat)),
    s_feature_ro_compat: union(RoCompat),
    s_uuid: uuid,
    s_volume_name: bytesOf(options.label),
    s_hash_seed: S_HASH_SEED,
    s_def_hash_version: DX_HASH_HALF_MD4,
    s_mkfs_time: low32(time),
    s_min_extra_isize: EXTRA_ISIZE,
    s_want_extra_isize: EXTRA_ISIZE,
    s_flags: EXT2_FLAGS_UNSIGNED_HASH,
    s_log_groups_per_flex: LOG_GROUPS_PER_FLEX,
    s_checksum_type: EXT4_CRC32C_CHKSUM,
    s_checksum_seed: S_CHECKSUM_SEED,
    s_wtime_hi: high32(time),
    s_mkfs_time_hi: high32(time),
    s_lastcheck_hi: high32(time),
  });
  const checked = new Uint8Array(view.buffer, view.byteOffset, Superblock.fields.s_checksum.offset);
  Superblock.write(view, 0, { s_checksum: crc32c(SUPERBLOCK_SEED, checked) });
}
