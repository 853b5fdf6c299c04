import type { NameOrder } from '../tree/order.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { Contents } from './contents.ts';
import type { DirectoryLayout } from './directory.ts';
import { ExtentTrees } from './extents.ts';
import type { Features } from './features.ts';
import { EXT4_BOOT_LOADER_INO, EXT4_JOURNAL_INO } from './format/inode.ts';
import { type Geometry, needs64bit, planGeometry } from './geometry.ts';
import { IndirectBlocks } from './indirect-blocks.ts';
import type { InlineFiles } from './inline-data.ts';
import { inodeLabel } from './labels.ts';
import type { Mappings } from './mappings.ts';
import type { Numbering } from './numbering.ts';
import type { Ext4Options } from './options.ts';
import type { DataPlacement } from './placement.ts';
import type { ImageRecord } from './record.ts';
import type { XattrLayout } from './xattrs.ts';

/** What is known before anything has its place. */
export interface Unplaced {
  readonly tree: Tree;
  readonly record: ImageRecord;
  readonly recordBytes: Uint8Array;
  readonly lostAndFound: number;
  readonly names: NameOrder;
  readonly numbering: Numbering;
  readonly directories: DirectoryLayout;
  readonly xattrs: XattrLayout;
  /** The tree's first inode of an xattr's value; the others follow it. */
  readonly firstValue: number;
  readonly symlinks: Uint32Array;
  readonly inlineFiles: InlineFiles;
  readonly data: DataPlacement;
}

/** Everything, in its place. */
export interface Parts extends Unplaced {
  readonly features: Features;
  readonly geometry: Geometry;
  readonly contents: Contents;
  readonly mappings: Mappings;
}

/**
 * Gives everything its place. Extents depend on where groups begin, and where contents are depends on how many blocks the trees of
 * extents take: as many as they take at most are kept.
 */
export function placeContents(unplaced: Unplaced, options: Ext4Options, asked: Features): Omit<Parts, keyof Unplaced> {
  const { tree, recordBytes, numbering, directories, xattrs, symlinks, data } = unplaced;
  const { blockSize } = options;
  const contents = new Contents(tree, numbering, blockSize, data.verity);
  const label = (ino: number): string => inodeLabel(tree, numbering, ino);
  const sizes = {
    record: Math.ceil(recordBytes.length / blockSize),
    directories: directories.length,
    xattrs: xattrs.blockCount,
    xattrValues: xattrs.values.blockCount,
    symlinks: symlinks.length,
    data: data.length,
  };
  countContents(unplaced, contents, sizes.record);
  for (let features = asked, kept = 0; ; ) {
    const geometry = planGeometry({ sizes: { ...sizes, mappings: kept }, numbering, options, features });
    if (needs64bit(geometry, features)) {
      features = new Set([...features, '64bit' as const]);
      continue;
    }
    startContents(unplaced, contents, geometry);
    const parts = { contents, contentBlocks: geometry.contentBlocks, blockSize, first: geometry.mappings, label };
    const mappings = features.has('extent') ? new ExtentTrees(parts) : new IndirectBlocks(parts);
    if (mappings.length <= kept * blockSize) return { features, geometry, contents, mappings };
    kept = mappings.length / blockSize;
  }
}

/** By inode number: how many blocks its contents take. */
function countContents(
  { numbering, data, directories, symlinks, xattrs, firstValue }: Unplaced,
  contents: Contents,
  recordBlocks: number,
): void {
  numbering.inodeOf.forEach((inode, ino) => {
    if (inode !== NONE) contents.count[ino] = data.count[inode]!;
  });
  directories.directories.forEach((inode, i) => {
    contents.count[numbering.ino[inode]!] = directories.firstBlock[i + 1]! - directories.firstBlock[i]!;
  });
  for (const inode of symlinks) contents.count[numbering.ino[inode]!] = 1;
  for (let i = 0; i < xattrs.values.count; i++) {
    contents.count[numbering.ino[firstValue + i]!] = xattrs.values.blocksOf(xattrs.values.at(i).length);
  }
  contents.count[EXT4_BOOT_LOADER_INO] = recordBlocks;
}

/** By inode number: the content block in which its contents begin. */
function startContents(
  { numbering, data, directories, symlinks, xattrs, firstValue }: Unplaced,
  contents: Contents,
  geometry: Geometry,
): void {
  numbering.inodeOf.forEach((inode, ino) => {
    if (inode !== NONE) contents.first[ino] = geometry.data + data.first[inode]!;
  });
  directories.directories.forEach((inode, i) => {
    contents.first[numbering.ino[inode]!] = geometry.directories + directories.firstBlock[i]!;
  });
  symlinks.forEach((inode, i) => {
    contents.first[numbering.ino[inode]!] = geometry.symlinks + i;
  });
  for (let i = 0; i < xattrs.values.count; i++) {
    contents.first[numbering.ino[firstValue + i]!] = geometry.xattrValues + xattrs.values.firstBlockOf(i);
  }
  contents.first[EXT4_BOOT_LOADER_INO] = geometry.contentBlocks.contentOf(geometry.record);
  contents.first[EXT4_JOURNAL_INO] = geometry.journal;
  contents.count[EXT4_JOURNAL_INO] = geometry.journalBlocks;
}
