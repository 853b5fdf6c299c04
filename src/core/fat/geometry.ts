import { ImageError } from '../errors.ts';
import { roundUp } from '../struct.ts';
import { ENTRY_SIZE } from './format/directory-entry.ts';
import { NUM_FATS, SECTOR_SIZE } from './format/boot-sector.ts';
import type { FatBits, FatOptions } from './options.ts';

/** Where the parts of a FAT filesystem lie. */
export interface FatGeometry {
  readonly bits: FatBits;
  /** Of 512 bytes each: all, those in front of the FATs, those of one FAT, and where the first cluster begins. */
  readonly sectors: number;
  readonly reservedSectors: number;
  readonly fatSectors: number;
  readonly dataSector: number;
  /** Of the root directory's place in front of the clusters; 0 with FAT32, whose root has clusters. */
  readonly rootEntries: number;
  readonly sectorsPerCluster: number;
  /** In bytes. */
  readonly clusterSize: number;
  /** How many clusters there are; they are numbered from 2. */
  readonly clusters: number;
}

/** What an image has to hold. */
export interface FatContent {
  /** How many clusters of so many bytes its files and its directories take, the root among them where it has clusters. */
  readonly clusters: (clusterSize: number, isRootInClusters: boolean) => number;
  /** Entries of the root. */
  readonly rootEntries: number;
}

/** The number of the first cluster. */
export const FIRST_CLUSTER = 2;
/** The kind of a FAT follows from how many clusters there are, and from nothing else. Microsoft FAT Specification, 3.5. */
export const CLUSTERS_MAX: Readonly<Record<FatBits, number>> = { 12: 4084, 16: 65_524, 32: 0x0fff_fff4 };

const MIB = 1024 * 1024;
const ROOT_ENTRIES = 512;
/** BPB_RootEntCnt has 16 bits, and the root whole sectors. */
const ROOT_ENTRIES_MAX = 65_520;
const FAT32_RESERVED_SECTORS = 32;
/** From this size on mkfs.fat chooses FAT32. */
const FAT32_SIZE_MIN = 512 * MIB;
const SECTORS_MAX = 2 ** 32 - 1;
/** Clusters of FAT12 and FAT16 begin with this, as mkfs.fat's do, and have at most 32 KiB. */
const SECTORS_PER_CLUSTER = 4;
const SECTORS_PER_CLUSTER_MAX = 64;
/** Microsoft's cluster sizes for FAT32, in sectors: up to 260 MiB, 8 GiB, 16 GiB, 32 GiB, and above. */
const FAT32_CLUSTERS: readonly (readonly [sectorsMax: number, sectorsPerCluster: number])[] = [
  [532_480, 1],
  [16_777_216, 8],
  [33_554_432, 16],
  [67_108_864, 32],
  [SECTORS_MAX, 64],
];

/** Chooses a geometry that holds the content and the free room. Throws `image-too-small`, `limit-exceeded` or `option-invalid`. */
export function chooseGeometry(
  content: FatContent,
  options: Pick<FatOptions, 'size' | 'free' | 'fatBits'>,
): FatGeometry {
  const { size, fatBits } = options;
  const rootEntries = Math.max(ROOT_ENTRIES, roundUp(content.rootEntries, SECTOR_SIZE / ENTRY_SIZE));
  if (rootEntries > ROOT_ENTRIES_MAX && fatBits !== 32) {
    if (fatBits === undefined) return chooseGeometry(content, { ...options, fatBits: 32 });
    throw new ImageError('limit-exceeded', `a root with ${content.rootEntries} entries: at most ${ROOT_ENTRIES_MAX}`);
  }
  if (size !== undefined) return fixedGeometry(size, rootEntries, content, options);
  for (let sectors = MIB / SECTOR_SIZE; sectors <= SECTORS_MAX; ) {
    const geometry = geometryOf(sectors, fatBits, rootEntries);
    if (geometry === 'too large') throw tooLarge(fatBits!);
    let missing = 1;
    if (geometry !== 'too small') {
      missing = missingClusters(geometry, content, options.free) * geometry.sectorsPerCluster;
      if (missing <= 0) return geometry;
    }
    sectors = roundUp(sectors + missing, MIB / SECTOR_SIZE);
  }
  throw new ImageError('limit-exceeded', 'content that needs more than 2 TiB, which FAT cannot have');
}

/** The geometry of an image of a given size. */
function fixedGeometry(
  size: number,
  rootEntries: number,
  content: FatContent,
  { free, fatBits }: Pick<FatOptions, 'free' | 'fatBits'>,
): FatGeometry {
  if (size / SECTOR_SIZE > SECTORS_MAX)
    throw new ImageError('limit-exceeded', `a FAT image of ${size} bytes: at most 2 TiB`);
  const geometry = geometryOf(size / SECTOR_SIZE, fatBits, rootEntries);
  if (geometry === 'too large') throw tooLarge(fatBits!);
  if (geometry === 'too small') {
    const kind = fatBits === undefined ? 'FAT' : `FAT${fatBits}`;
    throw new ImageError('image-too-small', `a size of ${size} bytes, which is too small for ${kind}`);
  }
  const missing = missingClusters(geometry, content, free);
  if (missing <= 0) return geometry;
  const what = `a size of ${size} bytes: ${missing * geometry.clusterSize} more are needed, in clusters of ${geometry.clusterSize}`;
  throw new ImageError('image-too-small', what);
}

/** How many clusters more the content and the free room need; negative for how many fewer. */
function missingClusters(
  { bits, clusterSize, clusters }: FatGeometry,
  content: FatContent,
  free: FatOptions['free'],
): number {
  const needed = content.clusters(clusterSize, bits === 32);
  const bytes =
    'bytes' in free ? free.bytes : Math.max((needed * clusterSize * free.percent) / 100, free.bytesMin ?? 0);
  return needed + Math.ceil(bytes / clusterSize) - clusters;
}

/** The geometry of so many sectors, with the FAT that is asked for or the one that fits. */
function geometryOf(
  sectors: number,
  bits: FatBits | undefined,
  rootEntries: number,
): FatGeometry | 'too small' | 'too large' {
  if (bits === 32 || (bits === undefined && sectors * SECTOR_SIZE >= FAT32_SIZE_MIN)) {
    const [, sectorsPerCluster] = FAT32_CLUSTERS.find(([max]) => sectors <= max)!;
    const geometry = divide(sectors, 32, sectorsPerCluster, 0);
    if (geometry === undefined || geometry.clusters <= CLUSTERS_MAX[16]) return 'too small';
    return geometry.clusters > CLUSTERS_MAX[32] ? 'too large' : geometry;
  }
  // FAT16 in a small place needs smaller clusters than mkfs.fat's first choice.
  const first = bits === 16 ? 1 : SECTORS_PER_CLUSTER;
  let fits: FatGeometry | undefined;
  for (let perCluster = first; perCluster <= SECTORS_PER_CLUSTER_MAX; perCluster *= 2) {
    const as12 = bits === 16 ? undefined : divide(sectors, 12, perCluster, rootEntries);
    if (as12 !== undefined && as12.clusters <= CLUSTERS_MAX[12]) return as12;
    const as16 = bits === 12 ? undefined : divide(sectors, 16, perCluster, rootEntries);
    const is16 = as16 !== undefined && as16.clusters > CLUSTERS_MAX[12] && as16.clusters <= CLUSTERS_MAX[16];
    if (is16) fits = as16;
    if (is16 && perCluster >= SECTORS_PER_CLUSTER) return as16;
    if (as12 === undefined && as16 === undefined) break;
  }
  const smallest = divide(sectors, 12, SECTORS_PER_CLUSTER, rootEntries);
  return (
    fits ??
    (smallest === undefined || (bits === 16 && smallest.clusters <= CLUSTERS_MAX[12]) ? 'too small' : 'too large')
  );
}

/** Divides sectors among the parts; undefined when nothing is left for clusters. */
function divide(
  sectors: number,
  bits: FatBits,
  sectorsPerCluster: number,
  rootEntries: number,
): FatGeometry | undefined {
  const rootSectors = (rootEntries * ENTRY_SIZE) / SECTOR_SIZE;
  const reserved = bits === 32 ? FAT32_RESERVED_SECTORS : 1;
  const rest = sectors - reserved - rootSectors;
  // A cluster takes its sectors and, in each FAT, its entry's bits; the first two entries have no cluster.
  const bitsPerCluster = 8 * SECTOR_SIZE * sectorsPerCluster + NUM_FATS * bits;
  const most = Math.floor((8 * SECTOR_SIZE * rest) / bitsPerCluster);
  const fatSectors = Math.ceil(((most + FIRST_CLUSTER) * bits) / 8 / SECTOR_SIZE);
  // Clusters begin at multiples of their size.
  const dataSector = roundUp(reserved + NUM_FATS * fatSectors + rootSectors, sectorsPerCluster);
  const clusters = Math.floor((sectors - dataSector) / sectorsPerCluster);
  if (clusters < 1) return undefined;
  const reservedSectors = dataSector - NUM_FATS * fatSectors - rootSectors;
  const clusterSize = sectorsPerCluster * SECTOR_SIZE;
  return {
    bits,
    sectors,
    reservedSectors,
    fatSectors,
    dataSector,
    rootEntries,
    sectorsPerCluster,
    clusterSize,
    clusters,
  };
}

function tooLarge(bits: FatBits): ImageError {
  return new ImageError('limit-exceeded', `an image that is too large for FAT${bits}`);
}
