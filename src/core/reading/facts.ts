import { type ByteString, byteString } from '../bytes.ts';
import { EXT4_VALID_FS } from '../ext4/format/superblock.ts';
import type { Filesystem } from '../ext4/reader/filesystem.ts';
import { formatUuid } from '../ext4/uuid.ts';
import { from64 } from '../struct.ts';

/** What a filesystem says of itself. Sizes are in bytes, times in seconds since 1970; 0 stands for never. */
export interface FilesystemFacts {
  /** By its features, as blkid tells them apart. */
  readonly type: 'ext2' | 'ext3' | 'ext4';
  readonly label: ByteString;
  readonly uuid: string;
  readonly size: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly inodeSize: number;
  readonly groups: number;
  /** In dumpe2fs' names. */
  readonly features: readonly string[];
  /** Whether it was left as it should be; a journal that has to be replayed is read as if it had been. */
  readonly isClean: boolean;
  readonly needsRecovery: boolean;
  readonly created: number;
  readonly written: number;
  readonly mounted: number;
  readonly mounts: number;
  readonly lastMountedOn: ByteString;
}

/** The facts of a filesystem, as its superblock has them. */
export function filesystemFacts(filesystem: Filesystem): FilesystemFacts {
  const { superblock, isRecovered } = filesystem;
  const { fields } = superblock;
  return {
    type: typeOf(filesystem.features),
    label: textOf(fields.s_volume_name),
    uuid: formatUuid(fields.s_uuid),
    size: superblock.blocks * superblock.blockSize,
    blockSize: superblock.blockSize,
    blocks: superblock.blocks,
    freeBlocks: superblock.freeBlocks,
    inodes: fields.s_inodes_count,
    freeInodes: fields.s_free_inodes_count,
    inodeSize: superblock.inodeSize,
    groups: superblock.groups,
    features: filesystem.features,
    isClean: (fields.s_state & EXT4_VALID_FS) !== 0,
    needsRecovery: isRecovered,
    created: from64(fields.s_mkfs_time, fields.s_mkfs_time_hi),
    written: from64(fields.s_wtime, fields.s_wtime_hi),
    mounted: from64(fields.s_mtime, fields.s_mtime_hi),
    mounts: fields.s_mnt_count,
    lastMountedOn: textOf(fields.s_last_mounted),
  };
}

/** What ext2 and ext3 may have; read-only changes neither. */
const EXT2_FEATURES = [
  'read-only',
  'ext_attr',
  'resize_inode',
  'dir_index',
  'filetype',
  'meta_bg',
  'sparse_super',
  'large_file',
];
const EXT3_FEATURES = ['has_journal', 'needs_recovery', ...EXT2_FEATURES];

function typeOf(features: readonly string[]): FilesystemFacts['type'] {
  if (!features.every((name) => EXT3_FEATURES.includes(name))) return 'ext4';
  return features.includes('has_journal') ? 'ext3' : 'ext2';
}

/** Up to the first NUL. */
const textOf = (bytes: Uint8Array): ByteString => byteString(bytes).replace(/\0[^]*$/, '');
