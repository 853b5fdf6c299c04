/** Partition tables count in sectors of this many bytes. */
export const SECTOR_SIZE = 512;
/** Where partitions begin is a multiple of this, and so is a disk's size, in bytes: as sgdisk and sfdisk align. */
export const PARTITION_ALIGNMENT = 1024 * 1024;
