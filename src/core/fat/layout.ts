import { bytesOf, type ByteString } from '../bytes.ts';
import type { Sha256 } from '../ext4/uuid.ts';
import type { FilesystemPlan, Location } from '../plan/filesystem-plan.ts';
import { warnOfClampedTimes } from '../tree/metadata.ts';
import { orderNames } from '../tree/order.ts';
import { findInode } from '../tree/resolve.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import { describeFatTree } from './description.ts';
import { layOutDirectories } from './directories.ts';
import { ENTRY_SIZE } from './format/directory-entry.ts';
import { NUM_FATS, SECTOR_SIZE } from './format/boot-sector.ts';
import { chooseGeometry, FIRST_CLUSTER, type FatGeometry } from './geometry.ts';
import { fatLabelOf } from './labels.ts';
import { checkFatOptions, FAT_TIMES, type FatOptions } from './options.ts';
import { clustersOf, filesOf, placeClusters, sizeOf } from './placement.ts';
import type { FatParts } from './parts.ts';
import { deriveVolumeId, formatVolumeId, volumeIdNumber } from './volume-id.ts';
import { buildFatRegions } from './regions.ts';

/** The plan of a FAT image. */
export interface FatPlan extends FilesystemPlan {
  readonly geometry: FatGeometry;
  /** BS_VolID. */
  readonly volumeId: number;
}

/** What the layout needs of its host. */
export interface FatHost {
  readonly sha256: () => Sha256;
  readonly warn: (warning: string) => void;
}

/**
 * Plans the FAT image of a tree: a function of the tree and the options alone. Throws `option-invalid`, `image-too-small`, `limit-exceeded`,
 * `name-invalid` for a name that FAT cannot hold, and `layer-unsupported` for symlinks, devices, fifos and sockets.
 */
export function planFat(tree: Tree, given: FatOptions, { sha256, warn }: FatHost): FatPlan {
  checkFatOptions(given);
  const options = { ...given, metadata: { ...given.metadata, timeLimits: FAT_TIMES } };
  warnOfClampedTimes(tree, options.metadata, warn);
  const names = orderNames(tree);
  const isForIncludeos = options.fatCompat === 'includeos';
  const directories = layOutDirectories(tree, names, {
    hasLabel: options.label !== '',
    isForIncludeos,
  });
  const files = filesOf(tree);
  const content = {
    clusters: (clusterSize: number, isRootInClusters: boolean) =>
      clustersOf(directories, files, clusterSize, isRootInClusters),
    rootEntries: directories.entries[0]! + directories.endEntries,
  };
  const geometry = chooseGeometry(content, options);
  const placement = placeClusters(tree, directories, files, geometry.clusterSize, geometry.bits === 32);
  const parts = { tree, names, directories, files, geometry, placement, options };
  const treeDigest = describeFatTree(tree, names, options, sha256());
  const volumeId =
    options.volumeId === undefined ? deriveVolumeId(treeDigest, options, sha256()) : volumeIdNumber(options.volumeId);
  const size = geometry.sectors * SECTOR_SIZE;
  return {
    size,
    ...buildFatRegions(parts, volumeId),
    label: (owner, offset) => fatLabelOf(parts, owner, offset),
    geometry,
    volumeId,
    filesystemSize: size,
    blockSize: geometry.clusterSize,
    blocks: { count: geometry.clusters, used: placement.chains.at(-1)! - placement.chains[0]! },
    id: formatVolumeId(volumeId),
    treeDigest,
    locate: (path) => locate(parts, path),
  };
}

function locate({ tree, names, directories, geometry, placement }: FatParts, path: ByteString): Location | undefined {
  const clusterOffset = (cluster: number): number =>
    geometry.dataSector * SECTOR_SIZE + (cluster - FIRST_CLUSTER) * geometry.clusterSize;
  const rootOffset = (geometry.reservedSectors + NUM_FATS * geometry.fatSectors) * SECTOR_SIZE;
  const directoryOffset = (inode: number): number =>
    placement.directoryCluster[inode] === 0 ? rootOffset : clusterOffset(placement.directoryCluster[inode]!);
  const lengthOf = (inode: number): number => directories.entries[directories.inodes.indexOf(inode)]! * ENTRY_SIZE;
  const dentry = dentryAt(tree, path);
  if (dentry === undefined) return undefined;
  // The root has no name.
  if (dentry === NONE)
    return { metadataOffset: 0, metadataLength: 0, offset: directoryOffset(ROOT), length: lengthOf(ROOT) };
  const directory = tree.dentryDirectory.values[dentry]!;
  const position = names.dentries.indexOf(dentry, names.start[directory]!);
  const entries = {
    metadataOffset: directoryOffset(directory) + directories.firstEntry[position]! * ENTRY_SIZE,
    metadataLength: (directories.longEntries[position]! + 1) * ENTRY_SIZE,
  };
  const inode = tree.dentryInode.values[dentry]!;
  if (tree.isDirectory(inode)) return { ...entries, offset: directoryOffset(inode), length: lengthOf(inode) };
  const length = sizeOf(tree, inode);
  return { ...entries, offset: length === 0 ? 0 : clusterOffset(placement.fileCluster[dentry]!), length };
}

/** The dentry of a normalized path, NONE for the root; undefined for a path that is not there. */
function dentryAt(tree: Tree, path: ByteString): number | undefined {
  const slash = path.lastIndexOf('/');
  const directory = findInode(tree, bytesOf(path.slice(0, Math.max(slash, 0))));
  if (path === '') return NONE;
  const dentry = directory === NONE ? NONE : tree.lookup(directory, bytesOf(path.slice(slash + 1)));
  return dentry === NONE ? undefined : dentry;
}
