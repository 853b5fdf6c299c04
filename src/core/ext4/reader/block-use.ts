/** What a block is used for; the order is that in which pictures list them. */
export const BlockUse = {
  superblock: 0,
  groupDescriptors: 1,
  bitmap: 2,
  inodeTable: 3,
  journal: 4,
  record: 5,
  directory: 6,
  xattr: 7,
  extentTree: 8,
  symlink: 9,
  file: 10,
} as const;
export type BlockUse = (typeof BlockUse)[keyof typeof BlockUse];
