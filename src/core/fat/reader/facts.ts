import type { ByteString } from '../../bytes.ts';
import { formatVolumeId } from '../volume-id.ts';
import type { FatFilesystem } from './filesystem.ts';

/** What a FAT filesystem says of itself. Sizes are in bytes. */
export interface FatFacts {
  readonly type: 'vfat';
  readonly bits: 12 | 16 | 32;
  readonly label: ByteString;
  /** The volume id, as blkid prints it; null where there is none. */
  readonly uuid: string | null;
  readonly size: number;
  readonly clusterSize: number;
  readonly clusters: number;
  /** Counted, or of FAT32 as it claims; undefined where it does not. */
  readonly freeClusters: number | undefined;
}

/** The facts of a FAT filesystem, as its boot sector and its root directory have them. */
export function fatFacts(filesystem: FatFilesystem): FatFacts {
  const { bits, volumeId, size, clusterSize, clusters } = filesystem.volume;
  return {
    type: 'vfat',
    bits,
    label: filesystem.label,
    uuid: volumeId === undefined ? null : formatVolumeId(volumeId),
    size,
    clusterSize,
    clusters,
    freeClusters: filesystem.freeClusters,
  };
}
