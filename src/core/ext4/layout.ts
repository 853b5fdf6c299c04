import { type ByteString, bytesOf, displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { entryPath } from '../layer/layer-index.ts';
import type { Plan } from '../plan/plan.ts';
import { roundUp } from '../struct.ts';
import { warnOfClampedTimes } from '../tree/metadata.ts';
import { type NameOrder, orderNames } from '../tree/order.ts';
import { findInode } from '../tree/resolve.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import { type DirectoryLayout, LINEAR, layOutDirectories } from './directory.ts';
import { DirectoryBlocks } from './directory-blocks.ts';
import { type Contents, ExtentTrees } from './extents.ts';
import { GroupDescriptor } from './format/group-descriptor.ts';
import { Inode } from './format/inode.ts';
import { Superblock, SUPERBLOCK_OFFSET } from './format/superblock.ts';
import { type Geometry, planGeometry } from './geometry.ts';
import { Groups } from './groups.ts';
import { InodeTable } from './inode-table.ts';
import { checkLengths } from './limits.ts';
import { type Numbering, numberInodes } from './numbering.ts';
import { checkExt4Options, type Ext4Options } from './options.ts';
import { type DataPlacement, placeData } from './placement.ts';
import { encodeRecord, makeRecord, type ImageRecord } from './record.ts';
import { buildRegions, fixedBytes, ownerOf } from './regions.ts';
import { writeSuperblock } from './superblock.ts';
import { slowSymlinks, symlinkBlocks } from './symlink-blocks.ts';
import { BlockUsage } from './usage.ts';
import { deriveUuid, type Sha256 } from './uuid.ts';
import { layOutXattrs, type XattrLayout } from './xattrs.ts';
import type { XattrValues } from './xattr-values.ts';

/** Where the parts of one file, directory or symlink lie, in bytes of the image. */
export interface Location {
  readonly ino: number;
  /** Where its inode begins. */
  readonly inodeOffset: number;
  /** Its blocks, holes left out. */
  readonly offset: number;
  readonly length: number;
}

/** The plan of an ext4 image. */
export interface Ext4Plan extends Plan {
  readonly geometry: Geometry;
  readonly uuid: Uint8Array;
  readonly record: ImageRecord;
  /** Blocks and inodes in use, reserved ones included. */
  readonly blocksUsed: number;
  readonly inodesUsed: number;
  /** Where a normalized path lies; undefined when the image has no such name. */
  locate(path: ByteString): Location | undefined;
}

/** What the layout needs of its host. */
export interface Host {
  readonly sha256: () => Sha256;
  readonly warn: (warning: string) => void;
}

const LOST_AND_FOUND = bytesOf('lost+found');

/**
 * Plans the ext4 image of a tree: a function of the tree and the options alone. Adds lost+found to a tree that has none, and
 * the nameless inodes of xattr values.
 * Throws `option-invalid`, `image-too-small` or `limit-exceeded`.
 */
export function planExt4(tree: Tree, options: Ext4Options, host: Host): Ext4Plan {
  checkExt4Options(options);
  const { blockSize, placement } = options;
  warnOfClampedTimes(tree, options.metadata, host.warn);
  const lostAndFound = ensureLostAndFound(tree);
  const names = orderNames(tree);
  const named = numberInodes(tree, lostAndFound, placement);
  checkLengths(tree, named, blockSize);
  const directories = layOutDirectories(tree, names, named, lostAndFound, options);
  const xattrs = layOutXattrs(tree, named, blockSize, host.warn);
  const { first: firstValue, numbering } = xattrs.values.addInodes(tree, named);
  const symlinks = slowSymlinks(tree, numbering);
  const data = placeData(tree, numbering, blockSize, placement);
  const nameless = { first: firstValue, values: xattrs.values };
  const count = contentCounts(data, directories, symlinks, nameless);
  const extentTrees = new ExtentTrees(tree, numbering, count, blockSize);
  const described = { lostAndFound, xattrsOf: (inode: number) => xattrs.xattrsOf(inode) };
  const record = makeRecord(tree, names, described, options, host.sha256());
  const recordBytes = encodeRecord(record);
  const sizes = {
    record: Math.ceil(recordBytes.length / blockSize),
    directories: directories.length,
    xattrs: xattrs.blockCount,
    xattrValues: xattrs.values.blockCount,
    symlinks: symlinks.length,
    extentTrees: extentTrees.blockCount,
    data: data.length,
  };
  const geometry = planGeometry(sizes, numbering, options);
  const contents = { count, first: contentStarts(geometry, data, directories, symlinks, nameless) };
  const parts = {
    tree,
    record,
    recordBytes,
    lostAndFound,
    names,
    numbering,
    directories,
    xattrs,
    firstValue,
    symlinks,
    data,
    extentTrees,
    geometry,
    contents,
  };
  return assemble(parts, options, host);
}

interface Parts {
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
  readonly data: DataPlacement;
  readonly extentTrees: ExtentTrees;
  readonly geometry: Geometry;
  readonly contents: Contents;
}

function ensureLostAndFound(tree: Tree): number {
  const dentry = tree.lookup(ROOT, LOST_AND_FOUND);
  if (dentry === NONE) {
    const inode = tree.addInode(EntryType.directory, NONE, 0);
    tree.link(ROOT, inode, tree.directoryLayer.values[ROOT]!, LOST_AND_FOUND);
    return inode;
  }
  const inode = tree.dentryInode.values[dentry]!;
  if (tree.isDirectory(inode)) return inode;
  const context = { layer: tree.inodeLayer.values[inode], path: 'lost+found' };
  throw new ImageError('layer-unsupported', 'not a directory, which ext4 needs there', context);
}

/** The xattr values that have inodes, and the first of their inodes in the tree. */
interface ValueInodes {
  readonly first: number;
  readonly values: XattrValues;
}

/** By inode: how many blocks its contents take. */
function contentCounts(
  data: DataPlacement,
  directories: DirectoryLayout,
  symlinks: Uint32Array,
  { first, values }: ValueInodes,
): Float64Array {
  const count = data.count.slice();
  directories.directories.forEach((inode, i) => {
    count[inode] = directories.firstBlock[i + 1]! - directories.firstBlock[i]!;
  });
  for (const inode of symlinks) count[inode] = 1;
  for (let i = 0; i < values.count; i++) count[first + i] = values.blocksOf(values.at(i).length);
  return count;
}

/** By inode: the block of the image in which its contents begin. */
function contentStarts(
  geometry: Geometry,
  data: DataPlacement,
  directories: DirectoryLayout,
  symlinks: Uint32Array,
  { first: firstValue, values }: ValueInodes,
): Float64Array {
  const first = data.first.map((block) => geometry.data + block);
  directories.directories.forEach((inode, i) => {
    first[inode] = geometry.directories + directories.firstBlock[i]!;
  });
  symlinks.forEach((inode, i) => {
    first[inode] = geometry.symlinks + i;
  });
  for (let i = 0; i < values.count; i++) first[firstValue + i] = geometry.xattrValues + values.firstBlockOf(i);
  return first;
}

function assemble(parts: Parts, options: Ext4Options, host: Host): Ext4Plan {
  const { tree, recordBytes, numbering, geometry, directories, xattrs, symlinks, extentTrees, contents } = parts;
  const { blockSize } = options;
  const groups = new Groups(geometry, claimBlocks(parts), numbering, tree);
  const descriptors = new Uint8Array(geometry.groups * GroupDescriptor.size);
  const free = groups.writeDescriptors(descriptors);
  const uuid = options.uuid ?? deriveUuid(recordBytes, host.sha256());
  const superblock = new Uint8Array(Superblock.size);
  const needed = [
    ...(xattrs.values.count > 0 ? (['ea_inode'] as const) : []),
    ...(directories.needsLargeDir ? (['large_dir'] as const) : []),
  ];
  writeSuperblock(new DataView(superblock.buffer), geometry, options, uuid, free, needed);
  const builtExtentTrees = extentTrees.build(numbering, contents, geometry.extentTrees);
  const indexed = new Set(directories.directories.filter((_, i) => directories.nodes[i] !== LINEAR));
  const inodeTable = new InodeTable({
    tree,
    numbering,
    geometry,
    contents,
    extentTrees,
    builtExtentTrees,
    xattrs,
    firstValue: parts.firstValue,
    lostAndFound: parts.lostAndFound,
    recordLength: recordBytes.length,
    metadata: options.metadata,
    isIndexed: (inode) => indexed.has(inode),
  });
  const sources = {
    superblock: fixedBytes(superblock, 'superblock'),
    groupDescriptors: fixedBytes(descriptors, 'group descriptors'),
    record: fixedBytes(inWholeBlocks(recordBytes, blockSize), 'image record'),
    inodeTable,
    directories: new DirectoryBlocks(tree, directories, numbering, blockSize),
    xattrs: xattrs.blocks(geometry.xattrs),
    xattrValues: xattrs.values.blocks(),
    symlinks: symlinkBlocks(tree, symlinks, blockSize),
    extentTrees: builtExtentTrees,
  };
  return {
    size: geometry.blocks * blockSize,
    ...buildRegions(tree, groups, sources, parts.data),
    label: (owner, offset) => labelOf(tree, geometry, owner, offset),
    geometry,
    uuid,
    record: parts.record,
    blocksUsed: geometry.blocks - free.freeBlocks,
    inodesUsed: geometry.inodesPerGroup * geometry.groups - free.freeInodes,
    locate: (path) => locate(parts, path),
  };
}

/** Claims every block in use, in ascending order. */
function claimBlocks({
  tree,
  geometry,
  recordBytes,
  directories,
  xattrs,
  symlinks,
  extentTrees,
  data,
}: Parts): BlockUsage {
  const usage = new BlockUsage(geometry.blocks);
  const descriptorBlocks = Math.ceil((geometry.groups * GroupDescriptor.size) / geometry.blockSize);
  usage.claim('superblock', geometry.firstDataBlock, 1);
  usage.claim('group descriptors', geometry.groupDescriptors, descriptorBlocks);
  usage.claim('image record', geometry.record, Math.ceil(recordBytes.length / geometry.blockSize));
  usage.claim('block bitmaps', geometry.blockBitmaps, geometry.groups);
  usage.claim('inode bitmaps', geometry.inodeBitmaps, geometry.groups);
  usage.claim('inode tables', geometry.inodeTables, geometry.groups * geometry.inodeTableBlocksPerGroup);
  usage.claim('directories', geometry.directories, directories.length);
  usage.claim('xattrs', geometry.xattrs, xattrs.blockCount);
  usage.claim('xattr values', geometry.xattrValues, xattrs.values.blockCount);
  usage.claim('symlinks', geometry.symlinks, symlinks.length);
  usage.claim('extent trees', geometry.extentTrees, extentTrees.blockCount);
  for (const inode of data.files) {
    if (tree.inodeDentries.values[inode]! === 0) continue;
    usage.claim('file data', geometry.data + data.first[inode]!, data.count[inode]!);
  }
  return usage;
}

function inWholeBlocks(bytes: Uint8Array, blockSize: number): Uint8Array {
  const blocks = new Uint8Array(roundUp(bytes.length, blockSize));
  blocks.set(bytes);
  return blocks;
}

function labelOf(tree: Tree, geometry: Geometry, owner: number, offset: number): string {
  if (owner !== 0) return fileLabel(tree, owner - ownerOf(0));
  const block = Math.floor(offset / geometry.blockSize);
  if (offset < SUPERBLOCK_OFFSET) return 'boot area';
  if (block <= geometry.firstDataBlock) return 'superblock, rest of its block';
  if (block >= geometry.metadataEnd) return 'free';
  if (block < geometry.record) return 'group descriptors, rest of their block';
  if (block < geometry.blockBitmaps) return 'free';
  if (block < geometry.inodeBitmaps) return `block bitmap, group ${block - geometry.blockBitmaps}`;
  if (block < geometry.inodeBitmaps + geometry.groups) return `inode bitmap, group ${block - geometry.inodeBitmaps}`;
  const group = Math.floor((block - geometry.inodeTables) / geometry.inodeTableBlocksPerGroup);
  return group >= 0 && group < geometry.groups ? `inode table, group ${group}` : 'free';
}

function fileLabel(tree: Tree, inode: number): string {
  const layer = tree.inodeLayer.values[inode]!;
  if (tree.dentryOf(inode) !== NONE) return `file /${tree.displayInode(inode)} (layer ${layer})`;
  const path = displayName(entryPath(tree.layers[layer]!, tree.inodeEntry.values[inode]!), 4096);
  return `free, kept for /${path} of layer ${layer}`;
}

function locate({ tree, numbering, geometry, contents }: Parts, path: ByteString): Location | undefined {
  const inode = findInode(tree, bytesOf(path));
  if (inode === NONE) return undefined;
  const ino = numbering.ino[inode]!;
  return {
    ino,
    inodeOffset: geometry.inodeTables * geometry.blockSize + (ino - 1) * Inode.size,
    offset: contents.first[inode]! * geometry.blockSize,
    length: contents.count[inode]! * geometry.blockSize,
  };
}
