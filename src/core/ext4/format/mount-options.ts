/** s_default_mount_opts by the names that tune2fs -o takes. https://docs.kernel.org/filesystems/ext4/super.html */
export const DEFAULT_MOUNT_OPTIONS = {
  debug: 0x1,
  bsdgroups: 0x2,
  user_xattr: 0x4,
  acl: 0x8,
  uid16: 0x10,
  journal_data: 0x20,
  journal_data_ordered: 0x40,
  journal_data_writeback: 0x60,
  nobarrier: 0x100,
  block_validity: 0x200,
  discard: 0x400,
  nodelalloc: 0x800,
} as const;

/** The modes of a journal, of which a filesystem has one. */
export const JOURNAL_MODES: readonly MountOption[] = ['journal_data', 'journal_data_ordered', 'journal_data_writeback'];

export type MountOption = keyof typeof DEFAULT_MOUNT_OPTIONS;
