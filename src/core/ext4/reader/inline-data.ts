import { XATTR_INDEX_SYSTEM } from '../format/xattr.ts';
import type { BlockReader } from './block-reader.ts';
import { corrupt } from './failure.ts';
import type { ReadInode } from './inode.ts';
import type { ReadSuperblock } from './superblock.ts';
import { storedXattrs } from './xattrs.ts';

/** What an inode itself holds: all of i_block, then the value of the attribute `system.data`. Throws `image-corrupt`. */
export function inlineData(reader: BlockReader, superblock: ReadSuperblock, inode: ReadInode): Uint8Array {
  const rest = storedXattrs(reader, superblock, inode).find(
    ({ nameIndex, name }) => nameIndex === XATTR_INDEX_SYSTEM && name === 'data',
  );
  if (rest === undefined || !(rest.value instanceof Uint8Array)) {
    throw corrupt(`inode ${inode.ino}: its data is in the inode, without the attribute system.data`);
  }
  const start = inode.map;
  const data = new Uint8Array(start.length + rest.value.length);
  data.set(start);
  data.set(rest.value, start.length);
  return data;
}
