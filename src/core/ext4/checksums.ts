import { crc32c } from 'ext2fs-wasm';
import { bytesOf } from '../bytes.ts';
import { high32, low32 } from '../struct.ts';

/** s_checksum_seed: the same in every image, so that equal metadata gives equal blocks whatever the UUID. */
export const S_CHECKSUM_SEED = 0x626c_6b6c;
/** s_hash_seed: 16 bytes, the same in every image. */
export const S_HASH_SEED = bytesOf('blockloom-ext4-1');
/** The seed of the superblock's own checksum. */
export const SUPERBLOCK_SEED = 0xffff_ffff;

const scratch = new Uint8Array(8);
const scratchView = new DataView(scratch.buffer);

/** The checksum seed of what belongs to inode `ino` at generation 0: its own, its directory's and extent tree's blocks. */
export function inodeSeed(ino: number): number {
  scratchView.setUint32(0, ino, true);
  scratchView.setUint32(4, 0, true);
  return crc32c(S_CHECKSUM_SEED, scratch);
}

/** The checksum seed of an xattr block: its own number, in 64 bits. */
export function xattrBlockSeed(block: number): number {
  scratchView.setUint32(0, low32(block), true);
  scratchView.setUint32(4, high32(block), true);
  return crc32c(S_CHECKSUM_SEED, scratch);
}

/** The checksum seed of a group descriptor. */
export function groupSeed(group: number): number {
  scratchView.setUint32(0, group, true);
  return crc32c(S_CHECKSUM_SEED, scratch.subarray(0, 4));
}
