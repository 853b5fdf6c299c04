import { entrySegments } from '../layer/layer-index.ts';
import { fileEntry } from '../ext4/runs.ts';
import { bytesSource } from '../plan/bytes-source.ts';
import type { BytesSource, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { allocationTable } from './allocation-table.ts';
import { bootSectors } from './boot-sectors.ts';
import { directoriesSource, rootSource } from './directory-entries.ts';
import { NUM_FATS, SECTOR_SIZE } from './format/boot-sector.ts';
import { FIRST_CLUSTER } from './geometry.ts';
import { chainName } from './labels.ts';
import type { FatParts } from './parts.ts';

/** A file's bytes, and the rest of its last cluster. */
const REGIONS_PER_FILE = 2;

/** All regions of an image in order, and the sources that they name. */
export function buildFatRegions(
  parts: FatParts,
  volumeId: number,
): { regions: Regions; bytes: readonly BytesSource[] } {
  const { geometry, placement, files, options } = parts;
  const { chains } = placement;
  const { reservedSectors, fatSectors, dataSector, bits, clusterSize, sectors } = geometry;
  const builder = new RegionsBuilder(REGIONS_PER_FILE * files.dentries.length + 64);
  const bytes: BytesSource[] = [];
  const add = (start: number, source: BytesSource): void => {
    builder.zeroTo(start);
    builder.bytes(start, source.length, bytes.push(source) - 1);
  };
  const boot = bootSectors(geometry, options, volumeId, chains.at(-1)!);
  add(0, bytesSource(boot, bits === 32 ? 'boot sector, FSInfo and their copies' : 'boot sector'));
  for (let copy = 0; copy < NUM_FATS; copy++) {
    const label = `file allocation table ${copy + 1}`;
    const table = allocationTable(geometry, chains, label, (chain) => chainName(parts, chain));
    add((reservedSectors + copy * fatSectors) * SECTOR_SIZE, table);
  }
  if (bits !== 32) add((reservedSectors + NUM_FATS * fatSectors) * SECTOR_SIZE, rootSource(parts));
  const clusterStart = (cluster: number): number => dataSector * SECTOR_SIZE + (cluster - FIRST_CLUSTER) * clusterSize;
  add(clusterStart(chains[0]!), directoriesSource(parts, clusterSize));
  files.dentries.forEach((dentry, i) => {
    addFile(parts, dentry, clusterStart(chains[placement.directoryChains + i]!), builder);
  });
  builder.zeroTo(sectors * SECTOR_SIZE);
  return { regions: builder.finish(), bytes };
}

/** A file's data, with zeros in its holes and behind its end. */
function addFile(
  { tree, geometry: { clusterSize } }: FatParts,
  dentry: number,
  start: number,
  builder: RegionsBuilder,
): void {
  const inode = tree.dentryInode.values[dentry]!;
  const { index, entry } = fileEntry(tree, inode)!;
  const owner = dentry + 1;
  let from = index.dataOffset[entry]!;
  for (const { offset, length } of entrySegments(index, entry)) {
    builder.zeroTo(start + offset, owner);
    builder.blob(start + offset, length, tree.inodeLayer.values[inode]!, from, owner);
    from += length;
  }
  builder.zeroTo(start + Math.ceil(index.size[entry]! / clusterSize) * clusterSize, owner);
}
