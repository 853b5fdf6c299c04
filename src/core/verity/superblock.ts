import { bytesOf } from '../bytes.ts';
import { deriveUuid, type Sha256 } from '../ext4/uuid.ts';
import { high32, low32 } from '../struct.ts';
import { HASH_SIZE, VERITY_BLOCK_SIZE, VERITY_HASH_TYPE_NORMAL, VERITY_SIGNATURE, VeritySuperblock } from './format.ts';

/** A superblock of dm-verity as it stands in an image, and its UUID. */
export interface MadeVeritySuperblock {
  /** One hash block. */
  readonly block: Uint8Array;
  /** 16 bytes, from the SHA-256 of the superblock without it and the root hash behind that. */
  readonly uuid: Uint8Array;
}

/** The superblock of a tree over `dataBlocks` blocks. */
export function makeVeritySuperblock(
  dataBlocks: number,
  salt: Uint8Array,
  rootHash: Uint8Array,
  sha256: Sha256,
): MadeVeritySuperblock {
  const block = new Uint8Array(VERITY_BLOCK_SIZE);
  const view = new DataView(block.buffer);
  VeritySuperblock.write(view, 0, {
    signature: bytesOf(VERITY_SIGNATURE),
    version: 1,
    hash_type: VERITY_HASH_TYPE_NORMAL,
    algorithm: bytesOf('sha256'),
    data_block_size: VERITY_BLOCK_SIZE,
    hash_block_size: VERITY_BLOCK_SIZE,
    data_blocks_lo: low32(dataBlocks),
    data_blocks_hi: high32(dataBlocks),
    salt_size: salt.length,
    salt,
  });
  const described = new Uint8Array(VeritySuperblock.size + HASH_SIZE);
  described.set(block.subarray(0, VeritySuperblock.size));
  described.set(rootHash, VeritySuperblock.size);
  const uuid = deriveUuid(described, sha256);
  VeritySuperblock.write(view, 0, { uuid });
  return { block, uuid };
}
