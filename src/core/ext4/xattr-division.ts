import { Inode, INODE_XATTRS_OFFSET } from './format/inode.ts';
import { XattrHeader, XattrInodeHeader } from './format/xattr.ts';
import { type DiskXattr, entryLength, LIST_END } from './xattr-entries.ts';

/** Where the entries of a set of xattrs stand: by their positions in it. */
export interface Division {
  /** Entries in the inode; the others are in the block. */
  readonly inInode: ReadonlySet<number>;
  /** Entries whose values have inodes of their own. */
  readonly apart: ReadonlySet<number>;
}

/** What an inode of 256 bytes itself holds of entries and values, in bytes. */
export const INODE_ROOM = Inode.size - INODE_XATTRS_OFFSET - XattrInodeHeader.size - LIST_END;
/** What a block of `blockSize` bytes holds of entries and values, in bytes. */
export const blockRoom = (blockSize: number): number => blockSize - XattrHeader.size - LIST_END;

/**
 * Divides a set: all of it into the inode where it fits, else what fits into the block, and of the rest as little as is possible
 * into the inode. Where that does not suffice, the longest values stand apart, as few as do, and the set has a block: e2fsck takes
 * a short symlink for a long one when it has values apart and no block. Undefined when names alone are too many.
 */
export function divideXattrs(xattrs: readonly DiskXattr[], blockSize: number, inodeRoom: number): Division | undefined {
  const room = blockRoom(blockSize);
  const lengths = xattrs.map((xattr) => entryLength(xattr, false));
  let total = lengths.reduce((sum, length) => sum + length, 0);
  if (total <= inodeRoom) return { inInode: new Set(lengths.keys()), apart: new Set() };
  const apart = new Set<number>();
  const longestFirst = [...xattrs.keys()].sort((a, b) => xattrs[b]!.value.length - xattrs[a]!.value.length);
  for (let i = 0; ; i++) {
    const inInode = chooseForInode(lengths, total, room, inodeRoom);
    if (inInode !== undefined) return { inInode, apart };
    const next = longestFirst[i];
    if (next === undefined || xattrs[next]!.value.length === 0) return undefined;
    apart.add(next);
    const length = entryLength(xattrs[next]!, true);
    total -= lengths[next]! - length;
    lengths[next] = length;
  }
}

/** The entries that go into an inode so that those left fit `room`; undefined when there are no such. */
function chooseForInode(
  lengths: readonly number[],
  total: number,
  room: number,
  inodeRoom: number,
): ReadonlySet<number> | undefined {
  const needed = total - room;
  if (needed > inodeRoom) return undefined;
  /** By length: the first choice that has it. */
  const choices: (readonly number[] | undefined)[] = [[]];
  for (const [position, length] of lengths.entries()) {
    for (let before = inodeRoom - length; before >= 0; before--) {
      const choice = choices[before];
      if (choice !== undefined) choices[before + length] ??= [...choice, position];
    }
  }
  const chosen = choices.find((choice, length) => choice !== undefined && length >= needed);
  return chosen === undefined ? undefined : new Set(chosen);
}
