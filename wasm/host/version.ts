/**
 * Hash functions of directories: `s_def_hash_version` and `dx_root_info.hash_version`. The unsigned ones treat the
 * characters of a name as 0 to 255, the others as -128 to 127.
 * https://docs.kernel.org/filesystems/ext4/directory.html#hash-tree-directories
 */
export const HashVersion = {
  legacy: 0,
  half_md4: 1,
  tea: 2,
  legacy_unsigned: 3,
  half_md4_unsigned: 4,
  tea_unsigned: 5,
} as const;

export type HashVersion = (typeof HashVersion)[keyof typeof HashVersion];

/** EXT4_NAME_LEN: the longest name of a directory entry, in bytes. */
export const EXT4_NAME_LEN = 255;

/** A name's place in a directory: entries are ordered by hash, then minor hash (0 with the legacy functions). */
export interface DirHash {
  readonly hash: number;
  readonly minorHash: number;
}
