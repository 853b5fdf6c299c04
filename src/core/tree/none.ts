/** No inode, no dentry, no layer. */
export const NONE = 0xffff_ffff;
