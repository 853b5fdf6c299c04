import { deriveUuid, type Sha256 } from '../ext4/uuid.ts';

/** A UUID's 16 bytes in the order in which its digits are written, as GPT stores them: the first three numbers are little-endian. UEFI specification 2.10, appendix A */
export function guidBytes(uuid: Uint8Array): Uint8Array {
  return Uint8Array.of(
    ...uuid.subarray(0, 4).toReversed(),
    ...uuid.subarray(4, 6).toReversed(),
    ...uuid.subarray(6, 8).toReversed(),
    ...uuid.subarray(8),
  );
}

/** The UUID of something that `description` tells apart from all else, in the order of its digits. */
export function uuidOf(description: string, sha256: Sha256): Uint8Array {
  return deriveUuid(new TextEncoder().encode(description), sha256);
}

/**
 * The UUIDs by which a root hash of dm-verity finds its partitions, in the order of their digits: its first 128 bits are the data's, its
 * last the tree's. https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
 */
export function verityPartitionUuids(rootHash: Uint8Array): { data: Uint8Array; tree: Uint8Array } {
  return { data: rootHash.slice(0, 16), tree: rootHash.slice(-16) };
}
