import { u8Column } from '../columns.ts';
import { isSparse } from '../layer/layer-index.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import type { Features } from './features.ts';
import { Inode } from './format/inode.ts';
import { XATTR_INDEX_SYSTEM } from './format/xattr.ts';
import type { Numbering } from './numbering.ts';
import { fileEntry } from './runs.ts';
import { type DiskXattr, entryLength } from './xattr-entries.ts';
import type { VerityBlocks } from './verity-files.ts';
import type { XattrLayout } from './xattrs.ts';

/** Reads bytes of a layer's data, from `offset`, as its index counts. */
export type ReadLayer = (layer: number, offset: number, target: Uint8Array) => void;

/** What of its content an inode has in i_block, in bytes; the rest is the value of the xattr `system.data`. */
export const INLINE_IN_I_BLOCK = Inode.fields.i_block.size;

/** The xattr that an inode with inline data has, whether i_block holds all of it or not. */
export const inlineXattr = (value: Uint8Array): DiskXattr => ({ index: XATTR_INDEX_SYSTEM, name: 'data', value });

/**
 * How long that value may be in an inode that has `room` bytes left beside its other xattrs; undefined when there is no room for
 * the xattr itself.
 */
export function inlineValueMax(room: number): number | undefined {
  const left = room - entryLength(inlineXattr(new Uint8Array(0)), true);
  return left < 0 ? undefined : left & ~3;
}

/** The files that their inodes hold (inline_data). */
export class InlineFiles {
  /** By the tree's inode: where its content begins in `#bytes`; NONE for one that has none here. */
  readonly #start: Uint32Array;
  /** By the tree's inode: how long it is; 0 for one that has blocks. */
  readonly #length: Uint8Array;
  readonly #bytes = u8Column();

  /** Without inline_data there are none. Reads every file that is one; those that are gone are known, and not read. Files with fs-verity need blocks. */
  constructor(
    tree: Tree,
    { order, ino }: Numbering,
    xattrs: XattrLayout,
    {
      features,
      verity,
      read,
    }: { readonly features: Features; readonly verity: VerityBlocks; readonly read: ReadLayer },
  ) {
    const count = features.has('inline_data') ? tree.inodeCount : 0;
    this.#start = new Uint32Array(count).fill(NONE);
    this.#length = new Uint8Array(count);
    if (count === 0) return;
    for (const inode of order) {
      const length = (verity[inode] ?? 0) > 0 ? 0 : inlineLength(tree, inode, xattrs);
      this.#length[inode] = length;
      if (length === 0 || ino[inode] === 0) continue;
      const { index, entry } = fileEntry(tree, inode)!;
      const start = this.#bytes.extend(length);
      this.#start[inode] = start;
      read(
        tree.inodeLayer.values[inode]!,
        index.dataOffset[entry]!,
        this.#bytes.values.subarray(start, start + length),
      );
    }
  }

  /** Whether a file has no blocks because its inode holds it, or did. */
  has(inode: number): boolean {
    return (this.#length[inode] ?? 0) > 0;
  }

  /** The content of a file that its inode holds; undefined for every other. */
  contentOf(inode: number): Uint8Array | undefined {
    const start = this.#start[inode] ?? NONE;
    return start === NONE ? undefined : this.#bytes.values.subarray(start, start + this.#length[inode]!);
  }
}

/** How long a file is that fits its inode; 0 for one that does not, or is empty. */
function inlineLength(tree: Tree, inode: number, xattrs: XattrLayout): number {
  const file = fileEntry(tree, inode);
  if (file === undefined || isSparse(file.index, file.entry)) return 0;
  const length = file.index.size[file.entry]!;
  if (length === 0 || length > Inode.size) return 0;
  const valueMax = inlineValueMax(xattrs.roomInInode(inode));
  return valueMax !== undefined && length <= INLINE_IN_I_BLOCK + valueMax ? length : 0;
}
