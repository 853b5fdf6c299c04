import type { Sha256 } from '../ext4/uuid.ts';
import type { FatOptions } from './options.ts';

/** As blkid prints it: `1234-ABCD`. */
export function formatVolumeId(volumeId: number): string {
  const digits = volumeId.toString(16).toUpperCase().padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

/** BS_VolID from its first 4 bytes as they are read. */
export const volumeIdNumber = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

/** The id of who gave none. It is made before a file's content is read: of the tree's digest and the options that are not in it. */
export function deriveVolumeId(treeDigest: string, options: FatOptions, sha256: Sha256): number {
  const { fatBits = 0, fatCompat = '', size = 0, free, label } = options;
  const room = 'bytes' in free ? [free.bytes] : [free.percent, free.bytesMin ?? 0];
  const description = JSON.stringify([treeDigest, fatBits, fatCompat, size, room, label]);
  sha256.update(new TextEncoder().encode(`blockloom FAT volume id\n${description}\n`));
  return volumeIdNumber(sha256.digest());
}
