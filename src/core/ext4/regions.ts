import { entrySegments, isSparse, type LayerIndex } from '../layer/layer-index.ts';
import type { BytesSource, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import type { Tree } from '../tree/tree.ts';
import { SUPERBLOCK_OFFSET } from './format/superblock.ts';
import { Inode } from './format/inode.ts';
import type { Geometry } from './geometry.ts';
import type { Groups } from './groups.ts';
import type { DataPlacement } from './placement.ts';
import { fileEntry } from './runs.ts';

/** The sources of an image's metadata, each beginning at its section. */
export interface MetadataSources {
  readonly superblock: BytesSource;
  readonly groupDescriptors: BytesSource;
  readonly record: BytesSource;
  readonly inodeTable: BytesSource;
  readonly directories: BytesSource;
  readonly xattrs: BytesSource;
  readonly xattrValues: BytesSource;
  readonly symlinks: BytesSource;
  readonly extentTrees: BytesSource;
}

/** A file's bytes, and the rest of its last block. */
const REGIONS_PER_FILE = 2;

/** The owner of what belongs to an inode of the tree. */
export const ownerOf = (inode: number): number => inode + 1;

/** All regions of an image in order, and the sources that they name. */
export function buildRegions(
  tree: Tree,
  groups: Groups,
  metadata: MetadataSources,
  data: DataPlacement,
): { regions: Regions; bytes: BytesSource[] } {
  const { geometry } = groups;
  const builder = new RegionsBuilder(REGIONS_PER_FILE * data.files.length + 4 * geometry.groups + 64);
  const sources: BytesSource[] = [];
  const add = (at: number, source: BytesSource): void => {
    builder.zeroTo(at);
    builder.bytes(at, source.length, sources.push(source) - 1);
  };
  const addSection = (block: number, source: BytesSource): void => add(block * geometry.blockSize, source);
  add(SUPERBLOCK_OFFSET, metadata.superblock);
  addSection(geometry.groupDescriptors, metadata.groupDescriptors);
  addSection(geometry.record, metadata.record);
  addBitmaps(groups, 'block', addSection);
  addBitmaps(groups, 'inode', addSection);
  const inodeTable = sources.push(metadata.inodeTable) - 1;
  addInodeTables(groups, builder, inodeTable);
  addSection(geometry.directories, metadata.directories);
  addSection(geometry.xattrs, metadata.xattrs);
  addSection(geometry.xattrValues, metadata.xattrValues);
  addSection(geometry.symlinks, metadata.symlinks);
  addSection(geometry.extentTrees, metadata.extentTrees);
  for (const inode of data.files) addFile(tree, inode, geometry, data, builder);
  builder.zeroTo(geometry.blocks * geometry.blockSize);
  return { regions: builder.finish(), bytes: sources };
}

/** The bitmaps of groups that have one; the others' blocks stay zeros. */
function addBitmaps(groups: Groups, kind: 'block' | 'inode', add: (block: number, source: BytesSource) => void): void {
  const { geometry } = groups;
  const first = kind === 'block' ? geometry.blockBitmaps : geometry.inodeBitmaps;
  const unused = (group: number): boolean => (kind === 'block' ? groups.blockUninit(group) : groups.inodeUninit(group));
  for (let from = 0; from < geometry.groups; ) {
    let to = from;
    while (to < geometry.groups && !unused(to)) to++;
    if (to > from) add(first + from, groups.bitmaps(kind, from, to));
    from = to + 1;
  }
}

/** The inode tables up to the last inode in use of each group. */
function addInodeTables(groups: Groups, builder: RegionsBuilder, source: number): void {
  const { geometry } = groups;
  const { blockSize } = geometry;
  const inodesPerBlock = blockSize / Inode.size;
  for (let group = 0; group < geometry.groups; group++) {
    const offset = group * geometry.inodeTableBlocksPerGroup * blockSize;
    const length = Math.ceil(groups.inodesInitialized(group) / inodesPerBlock) * blockSize;
    if (length === 0) continue;
    const start = geometry.inodeTables * blockSize + offset;
    builder.zeroTo(start);
    builder.bytes(start, length, source, offset);
  }
}

/** A file's data with zeros where its blocks have holes and behind its end; all zeros when the file is gone. */
function addFile(tree: Tree, inode: number, geometry: Geometry, data: DataPlacement, builder: RegionsBuilder): void {
  const { blockSize } = geometry;
  const owner = ownerOf(inode);
  const start = (geometry.data + data.first[inode]!) * blockSize;
  const end = start + data.count[inode]! * blockSize;
  const file = fileEntry(tree, inode);
  builder.zeroTo(start);
  if (file !== undefined && tree.inodeDentries.values[inode]! > 0) {
    const layer = tree.inodeLayer.values[inode]!;
    const { index, entry } = file;
    if (isSparse(index, entry)) addSegments(index, entry, { start, layer, owner, blockSize }, builder);
    else builder.blob(start, index.size[entry]!, layer, index.dataOffset[entry]!, owner);
  }
  builder.zeroTo(end, owner);
}

/** A sparse file's data: segments that share no block stand next to each other in the image. */
function addSegments(
  index: LayerIndex,
  entry: number,
  { start, layer, owner, blockSize }: Readonly<Record<'start' | 'layer' | 'owner' | 'blockSize', number>>,
  builder: RegionsBuilder,
): void {
  let from = index.dataOffset[entry]!;
  let runEnd = 0;
  let shift = start;
  for (const { offset, length } of entrySegments(index, entry)) {
    const firstBlock = Math.floor(offset / blockSize) * blockSize;
    if (firstBlock > runEnd) shift += runEnd - firstBlock;
    builder.zeroTo(shift + offset, owner);
    builder.blob(shift + offset, length, layer, from, owner);
    from += length;
    runEnd = Math.ceil((offset + length) / blockSize) * blockSize;
  }
}

/** A source of bytes that are made already. */
export function fixedBytes(bytes: Uint8Array, label: string): BytesSource {
  return {
    length: bytes.length,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    label: () => label,
    labelUnit: bytes.length,
  };
}
