import { crc32c } from 'ext2fs-wasm';
import { bytesOf } from '../bytes.ts';
import { high32, low32 } from '../struct.ts';
import { S_CHECKSUM_SEED, S_HASH_SEED, SUPERBLOCK_SEED } from './checksums.ts';
import { featureBits, type Features } from './features.ts';
import { COMPAT, INCOMPAT, RO_COMPAT } from './format/features.ts';
import { EXT4_GOOD_OLD_FIRST_INO, EXT4_JOURNAL_INO, EXTRA_ISIZE } from './format/inode.ts';
import { DEFAULT_MOUNT_OPTIONS } from './format/mount-options.ts';
import {
  EXT3_JNL_BACKUP_BLOCKS,
  EXT2_FLAGS_UNSIGNED_HASH,
  EXT4_CRC32C_CHKSUM,
  EXT4_DYNAMIC_REV,
  EXT4_ERRORS_CONTINUE,
  EXT4_SUPER_MAGIC,
  EXT4_VALID_FS,
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

/** What the superblock says of an image. */
export interface SuperblockParts {
  readonly geometry: Geometry;
  readonly features: Features;
  readonly options: Ext4Options;
  readonly uuid: Uint8Array;
  readonly free: { readonly freeBlocks: number; readonly freeInodes: number };
  /** i_block and the size in bytes of the journal's inode, where there is one. */
  readonly journal: { readonly i_block: Uint8Array; readonly size: number } | undefined;
}

/** The superblock, 1024 bytes, or the copy of it in another group, which does not say that the filesystem is clean. */
export function makeSuperblock(parts: SuperblockParts, group = 0): Uint8Array {
  const { geometry, features, options, uuid, free, journal } = parts;
  const bytes = new Uint8Array(Superblock.size);
  const view = new DataView(bytes.buffer);
  const logBlockSize = Math.log2(options.blockSize / 1024);
  const time = Math.min(Math.max(options.metadata.epoch, 0), SUPERBLOCK_SECONDS_MAX);
  Superblock.write(view, 0, {
    s_inodes_count: geometry.inodesPerGroup * geometry.groups,
    s_blocks_count_lo: low32(geometry.blocks),
    s_free_blocks_count_lo: low32(free.freeBlocks),
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
    s_state: group === 0 ? EXT4_VALID_FS : 0,
    s_errors: EXT4_ERRORS_CONTINUE,
    s_lastcheck: low32(time),
    s_rev_level: EXT4_DYNAMIC_REV,
    s_first_ino: EXT4_GOOD_OLD_FIRST_INO,
    s_inode_size: geometry.inodeSize,
    s_block_group_nr: group % 2 ** 16,
    s_feature_compat: featureBits(COMPAT, features),
    s_feature_incompat: featureBits(INCOMPAT, features),
    s_feature_ro_compat: featureBits(RO_COMPAT, features),
    s_uuid: uuid,
    s_volume_name: bytesOf(options.label),
    s_reserved_gdt_blocks: geometry.reservedGdtBlocks,
    s_hash_seed: S_HASH_SEED,
    s_def_hash_version: DX_HASH_HALF_MD4,
    s_default_mount_opts: options.mountOptions.reduce((bits, name) => bits | DEFAULT_MOUNT_OPTIONS[name], 0),
    s_mkfs_time: low32(time),
    s_flags: EXT2_FLAGS_UNSIGNED_HASH,
    s_wtime_hi: high32(time),
    s_mkfs_time_hi: high32(time),
    s_lastcheck_hi: high32(time),
  });
  if (journal !== undefined) writeJournalFields(view, journal);
  if (features.has('64bit')) {
    Superblock.write(view, 0, {
      s_desc_size: geometry.descriptorSize,
      s_blocks_count_hi: high32(geometry.blocks),
      s_free_blocks_count_hi: high32(free.freeBlocks),
    });
  }
  if (features.has('extra_isize')) {
    Superblock.write(view, 0, { s_min_extra_isize: EXTRA_ISIZE, s_want_extra_isize: EXTRA_ISIZE });
  }
  if (features.has('flex_bg')) Superblock.write(view, 0, { s_log_groups_per_flex: LOG_GROUPS_PER_FLEX });
  if (features.has('metadata_csum')) {
    Superblock.write(view, 0, { s_checksum_type: EXT4_CRC32C_CHKSUM, s_checksum_seed: S_CHECKSUM_SEED });
    const checked = bytes.subarray(0, Superblock.fields.s_checksum.offset);
    Superblock.write(view, 0, { s_checksum: crc32c(SUPERBLOCK_SEED, checked) });
  }
  return bytes;
}

/** Also where the journal is, for the case that its inode is lost. */
function writeJournalFields(view: DataView, { i_block, size }: NonNullable<SuperblockParts['journal']>): void {
  const s_jnl_blocks = new Uint8Array(Superblock.fields.s_jnl_blocks.size);
  s_jnl_blocks.set(i_block);
  const sizes = new DataView(s_jnl_blocks.buffer, i_block.length);
  sizes.setUint32(0, high32(size), true);
  sizes.setUint32(4, low32(size), true);
  const s_jnl_backup_type = EXT3_JNL_BACKUP_BLOCKS;
  Superblock.write(view, 0, { s_journal_inum: EXT4_JOURNAL_INO, s_jnl_backup_type, s_jnl_blocks });
}
