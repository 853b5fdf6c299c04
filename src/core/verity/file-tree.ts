import { high32, low32, roundUp, viewOf } from '../struct.ts';
import { FS_VERITY_HASH_ALG_SHA256, FsVerityDescriptor, VERITY_BLOCK_SIZE } from './format.ts';
import { levelBlocks } from './levels.ts';

/** Where fs-verity's metadata begins in a file of ext4: behind the end, at a multiple of this. In bytes. */
const METADATA_ALIGNMENT = 65_536;
const LOG_BLOCK_SIZE = Math.log2(VERITY_BLOCK_SIZE);
/** How much of the last block the descriptor's size takes. */
const DESCRIPTOR_SIZE_BYTES = 4;

/** The block of a file of `size` bytes in which fs-verity's metadata begins. */
export const metadataBlock = (size: number): number => roundUp(size, METADATA_ALIGNMENT) / VERITY_BLOCK_SIZE;

/** How many blocks the metadata of a file of `size` bytes takes: the Merkle tree, its highest level first, and the descriptor. */
export function metadataBlocks(size: number): number {
  return levelBlocks(Math.ceil(size / VERITY_BLOCK_SIZE)).reduce((sum, blocks) => sum + blocks, 1);
}

/** The descriptor of a file of `size` bytes, 256 bytes; its SHA-256 is the file's digest. */
export function fsVerityDescriptor(size: number, rootHash: Uint8Array): Uint8Array {
  const descriptor = new Uint8Array(FsVerityDescriptor.size);
  FsVerityDescriptor.write(new DataView(descriptor.buffer), 0, {
    version: 1,
    hash_algorithm: FS_VERITY_HASH_ALG_SHA256,
    log_blocksize: LOG_BLOCK_SIZE,
    data_size_lo: low32(size),
    data_size_hi: high32(size),
    root_hash: rootHash,
  });
  return descriptor;
}

/** Makes the last block of a file's metadata in ext4: the descriptor, and at the end its size; the rest of `block` is zeros already. fs/ext4/verity.c, Documentation/filesystems/ext4/verity.rst */
export function writeDescriptorBlock(block: Uint8Array, descriptor: Uint8Array): void {
  block.set(descriptor);
  viewOf(block).setUint32(VERITY_BLOCK_SIZE - DESCRIPTOR_SIZE_BYTES, descriptor.length, true);
}
