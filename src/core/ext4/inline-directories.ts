import { NONE, type Tree } from '../tree/tree.ts';
import { type DirectoryLayout, INLINE, INLINE_DOTDOT_SIZE, recordLength } from './directory.ts';
import { writeEntry } from './directory-blocks.ts';
import { DirectoryEntry } from './format/directory-entry.ts';
import { INLINE_IN_I_BLOCK } from './inline-data.ts';
import type { Numbering } from './numbering.ts';

/** The directories that their inodes hold (inline_data): the number of the parent, then names, in i_block and in `system.data`. */
export class InlineDirectories {
  readonly #tree: Tree;
  readonly #layout: DirectoryLayout;
  readonly #numbering: Numbering;
  /** By the tree's inode: its position in the layout; NONE for one with blocks. */
  readonly #position: Uint32Array;

  constructor(tree: Tree, layout: DirectoryLayout, numbering: Numbering) {
    const { directories, nodes } = layout;
    this.#tree = tree;
    this.#layout = layout;
    this.#numbering = numbering;
    this.#position = new Uint32Array(nodes.includes(INLINE) ? tree.inodeCount : 0).fill(NONE);
    for (let i = 0; i < directories.length; i++) if (nodes[i] === INLINE) this.#position[directories[i]!] = i;
  }

  /** What an inode holds of a directory; undefined for one with blocks. */
  contentOf(inode: number): Uint8Array | undefined {
    const position = this.#position[inode] ?? NONE;
    if (position === NONE) return undefined;
    const leaf = this.#layout.firstLeaf[position]!;
    const content = new Uint8Array(INLINE_IN_I_BLOCK + this.#lengthOf(leaf + 1));
    const view = new DataView(content.buffer);
    view.setUint32(0, this.#numbering.ino[this.#tree.parent(inode)]!, true);
    this.#writeNames(leaf, INLINE_DOTDOT_SIZE, INLINE_IN_I_BLOCK, content, view);
    if (content.length > INLINE_IN_I_BLOCK) {
      this.#writeNames(leaf + 1, INLINE_IN_I_BLOCK, content.length, content, view);
    }
    return content;
  }

  /** How many bytes the names of a leaf take. */
  #lengthOf(leaf: number): number {
    const { dentries, leafStart, leafEnd } = this.#layout;
    let length = 0;
    for (let i = leafStart[leaf]!; i < leafEnd[leaf]!; i++) {
      length += recordLength(this.#tree.dentryNameLength.values[dentries[i]!]!);
    }
    return length;
  }

  /** Writes the names of a leaf from `start`; the last of them, or an entry without one, takes all that is left up to `end`. */
  #writeNames(leaf: number, start: number, end: number, target: Uint8Array, view: DataView): void {
    const { dentries, leafStart, leafEnd } = this.#layout;
    let at = start;
    let last = start;
    for (let i = leafStart[leaf]!; i < leafEnd[leaf]!; i++) {
      last = at;
      at += writeEntry(this.#tree, this.#numbering, dentries[i]!, at, target, view);
    }
    view.setUint16(last + DirectoryEntry.fields.rec_len.offset, end - last, true);
  }
}
