import type { ByteString } from '../../bytes.ts';
import { EntryType } from '../../layer/entry.ts';
import { low32 } from '../../struct.ts';
import { EXT4_GOOD_OLD_FIRST_INO } from '../format/inode.ts';
import type { Filesystem } from './filesystem.ts';
import type { ReadInode } from './inode.ts';

export const LOST_AND_FOUND: ByteString = 'lost+found';
const MODE = 0o700;

/** Whether `inode` is the lost+found that comes with every filesystem, as it was made: it is no content of the image. */
export function isUnusedLostAndFound(filesystem: Filesystem, inode: ReadInode): boolean {
  if (inode.ino !== EXT4_GOOD_OLD_FIRST_INO || inode.type !== EntryType.directory || inode.mode !== MODE) return false;
  const { uid, gid, mtime } = inode;
  const { root } = filesystem;
  const isOwned = (uid === 0 && gid === 0) || (uid === root.uid && gid === root.gid);
  const isAsOld = low32(mtime.seconds) >>> 0 === filesystem.superblock.fields.s_mkfs_time && mtime.nanoseconds === 0;
  if (!isOwned || !isAsOld || filesystem.xattrs(inode).length > 0) return false;
  return filesystem.names(inode).next().done === true;
}
