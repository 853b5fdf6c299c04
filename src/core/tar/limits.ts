/** The longest body of a PAX extended header (`x`, `g`, `X`), in bytes. */
export const PAX_BYTES_MAX = 4 * 1024 * 1024;

/** The most that global headers may set together, in bytes and in records; every entry pays for them again. */
export const PAX_GLOBAL_BYTES_MAX = 64 * 1024;
export const PAX_GLOBAL_RECORDS_MAX = 256;

/** The longest body of a GNU long name or long link (`L`, `K`), in bytes. */
export const LONG_NAME_BYTES_MAX = 1024 * 1024;

/** The most data segments of one sparse file. */
export const SPARSE_SEGMENTS_MAX = 1_048_576;

/** The longest file, in bytes: ext4's limit with blocks of 4 KiB. */
export const FILE_BYTES_MAX = 2 ** 44;

/** The highest uid and gid; 2^32 - 1 means "nobody asked" to the kernel. */
export const OWNER_MAX = 2 ** 32 - 2;

/** The highest device numbers of the kernel's dev_t. */
export const DEVICE_MAJOR_MAX = 2 ** 12 - 1;
export const DEVICE_MINOR_MAX = 2 ** 20 - 1;

/** The longest text of a symlink, in bytes (PATH_MAX with its NUL). */
export const SYMLINK_BYTES_MAX = 4095;

/** The kernel's limits of extended attributes, in bytes: XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX. */
export const XATTR_NAME_BYTES_MAX = 255;
export const XATTR_VALUE_BYTES_MAX = 65536;
export const XATTR_LIST_BYTES_MAX = 65536;

/** How much of a tar without entries has to be zeros, in bytes: an ISO 9660 image has its first word at 32 KiB. */
export const EMPTY_BYTES_READ = 64 * 1024;
