import { crc32c } from 'ext2fs-wasm';
import { byteString } from '../../bytes.ts';
import { from64, type Read, viewOf } from '../../struct.ts';
import { SUPERBLOCK_SEED } from '../checksums.ts';
import { EXT4_SUPER_MAGIC, Superblock, SUPERBLOCK_OFFSET } from '../format/superblock.ts';
import type { BlockDevice } from './block-reader.ts';
import { checkChecksum, corrupt, unsupported } from './failure.ts';
import { INCOMPAT, RO_COMPAT } from '../format/features.ts';
import { checkIncompat } from './features.ts';

const LOG_BLOCK_SIZE_MAX = 6;
const GOOD_OLD_INODE_SIZE = 128;
const DESCRIPTOR_SIZE = 32;
const DESCRIPTOR_SIZE_64_MIN = 64;

type Fields = Read<typeof Superblock.fields>;

/** What a superblock says, checked. Sizes are in bytes. */
export interface ReadSuperblock {
  /** All fields, with the kernel's names. */
  readonly fields: Fields;
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly groups: number;
  readonly inodeSize: number;
  readonly descriptorSize: number;
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
  readonly hasMetadataChecksums: boolean;
  /** What metadata checksums begin with. */
  readonly checksumSeed: number;
}

/** Texts of other formats that images have, and where they stand. */
const OTHER_FORMATS = [
  { offset: 54, text: 'FAT1', name: 'a FAT filesystem' },
  { offset: 82, text: 'FAT32', name: 'a FAT filesystem' },
  { offset: 257, text: 'ustar', name: 'a tar' },
] as const;

function otherFormat(device: BlockDevice): string | undefined {
  const head = new Uint8Array(512);
  device.read(0, head);
  return OTHER_FORMATS.find(({ offset, text }) => byteString(head.subarray(offset, offset + text.length)) === text)
    ?.name;
}

/** Reads and checks the superblock. Throws `image-corrupt` or `image-unsupported`. */
export function readSuperblock(device: BlockDevice): ReadSuperblock {
  if (device.size < SUPERBLOCK_OFFSET + Superblock.size) throw corrupt(`${device.size} bytes are no ext4 filesystem`);
  const bytes = new Uint8Array(Superblock.size);
  device.read(SUPERBLOCK_OFFSET, bytes);
  const fields = Superblock.read(viewOf(bytes), 0);
  if (fields.s_magic !== EXT4_SUPER_MAGIC) {
    const other = otherFormat(device);
    if (other !== undefined) throw unsupported(`${other}, where ext4, ext3 or ext2 is expected`);
    throw corrupt(`no ext4 filesystem: magic 0x${fields.s_magic.toString(16)} at 0x438, expected 0xef53`);
  }
  const { s_feature_incompat: incompat, s_feature_ro_compat: roCompat } = fields;
  checkIncompat(incompat);
  const hasMetadataChecksums = (roCompat & RO_COMPAT.metadata_csum) !== 0;
  if (hasMetadataChecksums) {
    const checked = bytes.subarray(0, Superblock.fields.s_checksum.offset);
    checkChecksum(fields.s_checksum, crc32c(SUPERBLOCK_SEED, checked), 'superblock');
  }
  const hasSeed = (incompat & INCOMPAT.metadata_csum_seed) !== 0;
  const checksumSeed = hasSeed ? fields.s_checksum_seed : crc32c(SUPERBLOCK_SEED, fields.s_uuid);
  const rest = { compat: fields.s_feature_compat, incompat, roCompat, hasMetadataChecksums, checksumSeed };
  return { ...checkGeometry(fields, device.size), ...rest };
}

function checkGeometry(
  fields: Fields,
  size: number,
): Omit<ReadSuperblock, 'compat' | 'incompat' | 'roCompat' | 'hasMetadataChecksums' | 'checksumSeed'> {
  if (fields.s_log_block_size > LOG_BLOCK_SIZE_MAX)
    throw corrupt(`s_log_block_size ${fields.s_log_block_size}, at most ${LOG_BLOCK_SIZE_MAX}`);
  const blockSize = 1024 << fields.s_log_block_size;
  const is64bit = (fields.s_feature_incompat & INCOMPAT['64bit']) !== 0;
  const high = (value: number): number => (is64bit ? value : 0);
  const blocks = from64(fields.s_blocks_count_lo, high(fields.s_blocks_count_hi));
  if (!Number.isSafeInteger(blocks * blockSize) || blocks * blockSize > size) {
    throw corrupt(`the filesystem has ${blocks} blocks of ${blockSize} bytes, the image ${size} bytes`);
  }
  const firstDataBlock = fields.s_first_data_block;
  if (firstDataBlock !== (blockSize === 1024 ? 1 : 0) && !(blockSize === 1024 && firstDataBlock === 0)) {
    throw corrupt(`s_first_data_block ${firstDataBlock} with blocks of ${blockSize} bytes`);
  }
  const { s_blocks_per_group: blocksPerGroup, s_inodes_per_group: inodesPerGroup } = fields;
  if (blocksPerGroup === 0 || blocks <= firstDataBlock) throw corrupt(`${blocks} blocks, ${blocksPerGroup} in a group`);
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  if (inodesPerGroup === 0 || inodesPerGroup > 8 * blockSize || fields.s_inodes_count !== groups * inodesPerGroup) {
    throw corrupt(`${fields.s_inodes_count} inodes, ${inodesPerGroup} in each of ${groups} groups`);
  }
  const inodeSize = fields.s_rev_level === 0 ? GOOD_OLD_INODE_SIZE : fields.s_inode_size;
  if (!isPowerOfTwo(inodeSize) || inodeSize < GOOD_OLD_INODE_SIZE || inodeSize > blockSize)
    throw corrupt(`inodes of ${inodeSize} bytes`);
  if (fields.s_inodes_count * inodeSize > size)
    throw corrupt(`${fields.s_inodes_count} inodes of ${inodeSize} bytes, in an image of ${size} bytes`);
  const descriptorSize = is64bit ? fields.s_desc_size : DESCRIPTOR_SIZE;
  if (
    is64bit &&
    (!isPowerOfTwo(descriptorSize) || descriptorSize < DESCRIPTOR_SIZE_64_MIN || descriptorSize > blockSize)
  ) {
    throw corrupt(`group descriptors of ${descriptorSize} bytes`);
  }
  if (fields.s_rev_level > 1) throw unsupported(`s_rev_level ${fields.s_rev_level}`);
  const freeBlocks = from64(fields.s_free_blocks_count_lo, high(fields.s_free_blocks_count_hi));
  return { fields, blockSize, blocks, freeBlocks, groups, inodeSize, descriptorSize };
}

const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;
