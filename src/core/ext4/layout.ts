import { type ByteString, byteString, bytesOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import type { FilesystemPlan, Location } from '../plan/filesystem-plan.ts';
import { EXT2_TIMES, warnOfClampedTimes } from '../tree/metadata.ts';
import { orderNames } from '../tree/order.ts';
import { findInode } from '../tree/resolve.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import { type DirectoryLayout, INLINE, LINEAR, layOutDirectories } from './directory.ts';
import { DirectoryBlocks } from './directory-blocks.ts';
import { type Features, featuresOf } from './features.ts';
import type { Geometry } from './geometry.ts';
import { Groups } from './groups.ts';
import { InlineFiles, inlineValueMax, type ReadLayer } from './inline-data.ts';
import { InlineDirectories } from './inline-directories.ts';
import { InodeTable } from './inode-table.ts';
import { labelOf } from './labels.ts';
import { checkLengths } from './limits.ts';
import { fixedSources, journalFields, namelessFiles, specialContents } from './metadata-sources.ts';
import { numberInodes } from './numbering.ts';
import { checkExt4Options, type Ext4Options } from './options.ts';
import { type Parts, placeContents } from './place-contents.ts';
import { placeData } from './placement.ts';
import { encodeRecord, makeRecord, type ImageRecord } from './record.ts';
import { buildRegions } from './regions.ts';
import { slowSymlinks, symlinkBlocks } from './symlink-blocks.ts';
import { BlockClaims, BlockUsage } from './usage.ts';
import { deriveUuid, formatUuid, type Sha256 } from './uuid.ts';
import { verityBlocksOf, type VerityFiles, verityFilesOf } from './verity-files.ts';
import { layOutXattrs } from './xattrs.ts';

/** The same with the number of the inode. */
interface Ext4Location extends Location {
  readonly ino: number;
}

/** The plan of an ext4 image. */
export interface Ext4Plan extends FilesystemPlan {
  readonly geometry: Geometry;
  readonly uuid: Uint8Array;
  readonly record: ImageRecord;
  readonly verityFiles: VerityFiles;
  /** Those in use with the reserved ones. */
  readonly blocks: FilesystemPlan['blocks'];
  readonly inodes: NonNullable<FilesystemPlan['inodes']>;
  locate(path: ByteString): Ext4Location | undefined;
}

/** What the layout needs of its host. */
export interface Host {
  /** Reads what inodes hold themselves, with inline_data. */
  readonly read: ReadLayer;
  readonly sha256: () => Sha256;
  readonly warn: (warning: string) => void;
}

const LOST_AND_FOUND: ByteString = 'lost+found';

/**
 * Plans the ext4 or ext2 image of a tree: a function of the tree and the options alone. Adds lost+found to a tree that has none, and
 * the nameless inodes of xattr values.
 * Throws `option-invalid`, `image-too-small` or `limit-exceeded`.
 */
export function planExt4(tree: Tree, given: Ext4Options, host: Host): Ext4Plan {
  checkExt4Options(given);
  const timeLimits = given.fs === 'ext2' ? EXT2_TIMES : undefined;
  const options = { ...given, metadata: { ...given.metadata, timeLimits } };
  const { blockSize, placement } = options;
  const features = featuresOf(options);
  warnOfClampedTimes(tree, options.metadata, host.warn);
  const lostAndFound = ensureLostAndFound(tree);
  const names = orderNames(tree);
  const named = numberInodes(tree, lostAndFound, placement, features);
  checkLengths(tree, named, blockSize, features);
  const xattrs = layOutXattrs(tree, named, blockSize, features, host.warn);
  const inlineMax = (inode: number): number | undefined =>
    features.has('inline_data') ? inlineValueMax(xattrs.roomInInode(inode)) : undefined;
  const directoryOptions = { blockSize, placement, features, inlineValueMax: inlineMax };
  const directories = layOutDirectories(tree, names, named, lostAndFound, directoryOptions);
  const verity = verityBlocksOf(tree, names, options.fsverity);
  const inlineFiles = new InlineFiles(tree, named, xattrs, { features, verity, read: host.read });
  const { first: firstValue, numbering } = xattrs.values.addInodes(tree, named);
  const symlinks = slowSymlinks(tree, numbering);
  const data = placeData(tree, numbering, blockSize, placement, { inlineFiles, verity });
  const described = { lostAndFound, xattrsOf: (inode: number) => xattrs.xattrsOf(inode) };
  const record = makeRecord(tree, names, described, options, host.sha256());
  const recordBytes = encodeRecord(record);
  const unplaced = {
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
    inlineFiles,
    data,
  };
  return assemble({ ...unplaced, ...placeContents(unplaced, options, withNeeded(features, unplaced)) }, options, host);
}

/** With the features that the content needs. */
function withNeeded(
  features: Features,
  { xattrs, directories, data }: Pick<Parts, 'xattrs' | 'directories' | 'data'>,
): Features {
  const needed = new Set(features);
  if (xattrs.values.count > 0) needed.add('ea_inode');
  if (directories.needsLargeDir) needed.add('large_dir');
  if (data.verity.some((blocks) => blocks > 0)) needed.add('verity');
  return needed;
}

function ensureLostAndFound(tree: Tree): number {
  const dentry = findLostAndFound(tree);
  if (dentry === undefined) {
    const inode = tree.addInode(EntryType.directory, NONE, 0);
    tree.link(ROOT, inode, tree.directoryLayer(ROOT), bytesOf(LOST_AND_FOUND));
    return inode;
  }
  const inode = tree.dentryInode.values[dentry]!;
  if (tree.isDirectory(inode)) return inode;
  const context = { layer: tree.inodeLayer.values[inode], path: 'lost+found' };
  throw new ImageError('layer-unsupported', 'not a directory, which ext4 needs there', context);
}

/** The dentry of lost+found: sought among all of the root, so that the tree needs no table of names for it. */
function findLostAndFound(tree: Tree): number | undefined {
  const { length } = LOST_AND_FOUND;
  return tree
    .children(ROOT)
    .find(
      (each) => tree.dentryNameLength.values[each] === length && byteString(tree.nameBytes(each)) === LOST_AND_FOUND,
    );
}

function assemble(parts: Parts, options: Ext4Options, host: Host): Ext4Plan {
  const { tree, recordBytes, numbering, geometry, features, xattrs, mappings, data, inlineFiles } = parts;
  const { blockSize } = options;
  const groups = new Groups(geometry, features, claimBlocks(parts), numbering, tree);
  const descriptors = new Uint8Array(geometry.groups * geometry.descriptorSize);
  const free = groups.writeDescriptors(descriptors);
  const uuid = options.uuid ?? deriveUuid(recordBytes, host.sha256());
  const indexed = indexedDirectories(parts.directories);
  const superblock = { geometry, features, options, uuid, free, journal: journalFields(parts) };
  const inlineDirectories = new InlineDirectories(tree, parts.directories, numbering);
  const inodeTable = new InodeTable({
    ...parts,
    inlineContent: (inode) => inlineFiles.contentOf(inode) ?? inlineDirectories.contentOf(inode),
    metadata: options.metadata,
    namelessFiles: namelessFiles(parts),
    isIndexed: (inode) => indexed.has(inode),
  });
  const contents = [
    {
      block: geometry.directories,
      source: new DirectoryBlocks(tree, parts.directories, numbering, blockSize, features),
    },
    { block: geometry.xattrs, source: xattrs.blocks((i) => geometry.contentBlocks.blockOf(geometry.xattrs + i)) },
    { block: geometry.xattrValues, source: xattrs.values.blocks() },
    { block: geometry.symlinks, source: symlinkBlocks(tree, parts.symlinks, blockSize) },
    { block: geometry.mappings, source: mappings },
    ...specialContents(parts, uuid),
  ];
  const inodes = geometry.inodesPerGroup * geometry.groups;
  const fixed = fixedSources(superblock, descriptors, recordBytes);
  return {
    size: geometry.size,
    ...buildRegions({ tree, geometry, groups, data, fixed, inodeTable, contents }),
    label: (owner, offset) => labelOf(tree, geometry, data, owner, offset),
    geometry,
    uuid,
    record: parts.record,
    verityFiles: verityFilesOf(tree, data.files, data.verity),
    filesystemSize: geometry.blocks * blockSize,
    blockSize,
    blocks: { count: geometry.blocks, used: geometry.blocks - free.freeBlocks },
    inodes: { count: inodes, used: inodes - free.freeInodes },
    id: formatUuid(uuid),
    treeDigest: parts.record.tree,
    locate: (path) => locate(parts, path),
  };
}

function indexedDirectories({ directories, nodes }: DirectoryLayout): ReadonlySet<number> {
  return new Set(directories.filter((_, i) => nodes[i] !== LINEAR && nodes[i] !== INLINE));
}

/** All blocks in use. */
function claimBlocks({
  tree,
  features,
  geometry,
  recordBytes,
  directories,
  xattrs,
  symlinks,
  mappings,
  data,
}: Parts): BlockUsage {
  const claims = new BlockClaims();
  const { blockSize, blocksPerGroup, contentBlocks, inodeTableBlocksPerGroup } = geometry;
  const superblockBlocks = 1 + geometry.groupDescriptorBlocks + geometry.reservedGdtBlocks;
  for (const group of [0, ...geometry.backupGroups]) {
    claims.add(geometry.firstDataBlock + group * blocksPerGroup, superblockBlocks);
  }
  claims.add(geometry.record, Math.ceil(recordBytes.length / blockSize));
  for (const block of geometry.blockBitmaps) claims.add(block, 1);
  for (const block of geometry.inodeBitmaps) claims.add(block, 1);
  for (const block of geometry.inodeTables) claims.add(block, inodeTableBlocksPerGroup);
  const claim = (content: number, count: number): void => {
    contentBlocks.forEachRun(content, count, (start, length) => claims.add(start, length));
  };
  claim(geometry.directories, directories.length);
  claim(geometry.xattrs, xattrs.blockCount);
  claim(geometry.xattrValues, xattrs.values.blockCount);
  claim(geometry.symlinks, symlinks.length);
  claim(geometry.mappings, mappings.length / blockSize);
  claim(geometry.resizeInode, features.has('resize_inode') && geometry.reservedGdtBlocks > 0 ? 1 : 0);
  claim(geometry.journal, geometry.journalBlocks);
  for (const inode of data.files) {
    if (tree.inodeDentries.values[inode]! > 0) claim(geometry.data + data.first[inode]!, data.count[inode]!);
  }
  return new BlockUsage(claims, geometry.blocks);
}

function locate({ tree, numbering, geometry, contents }: Parts, path: ByteString): Ext4Location | undefined {
  const inode = findInode(tree, bytesOf(path));
  if (inode === NONE) return undefined;
  const ino = numbering.ino[inode]!;
  const group = Math.floor((ino - 1) / geometry.inodesPerGroup);
  const within = ino - 1 - group * geometry.inodesPerGroup;
  return {
    ino,
    metadataOffset: geometry.inodeTables[group]! * geometry.blockSize + within * geometry.inodeSize,
    metadataLength: geometry.inodeSize,
    offset: geometry.contentBlocks.blockOf(contents.first[ino]!) * geometry.blockSize,
    length: contents.count[ino]! * geometry.blockSize,
  };
}
