import { u32Column } from '../columns.ts';
import { ImageError } from '../errors.ts';
import { fileEntry } from '../ext4/runs.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import type { FatDirectories } from './directories.ts';
import { ENTRY_SIZE } from './format/directory-entry.ts';
import { FIRST_CLUSTER } from './geometry.ts';

/** DIR_FileSize has 32 bits. */
const FILE_SIZE_MAX = 2 ** 32 - 1;

/** The names of files that have content, in the order of their clusters: that of inodes, so that a layer is read from its begin to its end. */
export interface FatFiles {
  readonly dentries: Uint32Array;
  /** By file, in bytes. */
  readonly sizes: Float64Array;
}

/** Every name of a file: one that has several stands in the image as often. Throws `limit-exceeded` for a file of 4 GiB or more. */
export function filesOf(tree: Tree): FatFiles {
  const firstDentry = new Uint32Array(tree.inodeCount).fill(NONE);
  const nextDentry = new Uint32Array(tree.dentryCount);
  let count = 0;
  for (let dentry = tree.dentryCount - 1; dentry >= 0; dentry--) {
    const inode = tree.dentryInode.values[dentry]!;
    if (inode === NONE || sizeOf(tree, inode) === 0) continue;
    nextDentry[dentry] = firstDentry[inode]!;
    firstDentry[inode] = dentry;
    count++;
  }
  const dentries = new Uint32Array(count);
  const sizes = new Float64Array(count);
  let file = 0;
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    for (let dentry = firstDentry[inode]!; dentry !== NONE; dentry = nextDentry[dentry]!) {
      const size = sizeOf(tree, inode);
      if (size > FILE_SIZE_MAX) throw tooLarge(tree, dentry, size);
      dentries[file] = dentry;
      sizes[file++] = size;
    }
  }
  return { dentries, sizes };
}

/** How long a file is, in bytes; 0 for what is no file. */
export function sizeOf(tree: Tree, inode: number): number {
  const file = fileEntry(tree, inode);
  return file === undefined ? 0 : file.index.size[file.entry]!;
}

/** How many clusters of so many bytes directories and files take. */
export function clustersOf(
  directories: FatDirectories,
  { sizes }: FatFiles,
  clusterSize: number,
  isRootInClusters: boolean,
): number {
  let clusters = firstCluster(directories, isRootInClusters) - FIRST_CLUSTER;
  for (let i = isRootInClusters ? 0 : 1; i < directories.inodes.length; i++)
    clusters += directoryClusters(directories, i, clusterSize);
  for (let i = 0; i < sizes.length; i++) clusters += Math.ceil(sizes[i]! / clusterSize);
  return clusters;
}

/** Where directories and files begin. Each has clusters that follow each other, and is followed by the next. */
export interface FatPlacement {
  /** By chain, the directories that have clusters and then the files with content: the first cluster; behind the last the first that is free. */
  readonly chains: Uint32Array;
  /** How many chains are of directories. */
  readonly directoryChains: number;
  /** By inode of a directory, 0 for a root without clusters; and by dentry of a file, 0 for one without content. */
  readonly directoryCluster: Uint32Array;
  readonly fileCluster: Uint32Array;
}

/** Gives directories and files their clusters. */
export function placeClusters(
  tree: Tree,
  directories: FatDirectories,
  files: FatFiles,
  clusterSize: number,
  isRootInClusters: boolean,
): FatPlacement {
  const { inodes } = directories;
  const chains = u32Column(inodes.length + files.dentries.length + 1);
  const directoryCluster = new Uint32Array(tree.inodeCount);
  const fileCluster = new Uint32Array(tree.dentryCount);
  let cluster = firstCluster(directories, isRootInClusters);
  inodes.forEach((inode, i) => {
    if (inode === ROOT && !isRootInClusters) return;
    chains.push(cluster);
    directoryCluster[inode] = cluster;
    cluster += directoryClusters(directories, i, clusterSize);
  });
  const directoryChains = chains.length;
  files.dentries.forEach((dentry, i) => {
    chains.push(cluster);
    fileCluster[dentry] = cluster;
    cluster += Math.ceil(files.sizes[i]! / clusterSize);
  });
  chains.push(cluster);
  return { chains: chains.trimmed(), directoryChains, directoryCluster, fileCluster };
}

/** An empty root has a cluster, too. */
const directoryClusters = ({ entries, endEntries }: FatDirectories, directory: number, clusterSize: number): number =>
  Math.max(1, Math.ceil(((entries[directory]! + endEntries) * ENTRY_SIZE) / clusterSize));

/** IncludeOS, whose directories have ends, takes the first cluster for the root wherever that is. */
const firstCluster = ({ endEntries }: FatDirectories, isRootInClusters: boolean): number =>
  endEntries > 0 && !isRootInClusters ? FIRST_CLUSTER + 1 : FIRST_CLUSTER;

function tooLarge(tree: Tree, dentry: number, size: number): ImageError {
  const place = { layer: tree.dentryLayer.values[dentry], path: tree.displayPath(dentry) };
  return new ImageError('limit-exceeded', `a file of ${size} bytes, at most ${FILE_SIZE_MAX} on FAT`, place);
}
