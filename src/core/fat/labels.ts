import { NUM_FATS, SECTOR_SIZE } from './format/boot-sector.ts';
import type { FatParts } from './parts.ts';

/** What zeros or bytes of a layer at `offset` of the image are, given whose they are: 1 more than a file's dentry, or 0. */
export function fatLabelOf({ tree, geometry }: FatParts, owner: number, offset: number): string {
  if (owner !== 0) {
    const dentry = owner - 1;
    const layer = tree.inodeLayer.values[tree.dentryInode.values[dentry]!];
    return `file /${tree.displayPath(dentry)} (layer ${layer})`;
  }
  const { reservedSectors, fatSectors, dataSector } = geometry;
  const sector = Math.floor(offset / SECTOR_SIZE);
  if (sector < reservedSectors) return 'reserved sectors';
  const copy = Math.floor((sector - reservedSectors) / fatSectors);
  if (copy < NUM_FATS) return `file allocation table ${copy + 1}, free clusters`;
  return sector < dataSector ? 'directory /, free entries' : 'free';
}

/** Whose clusters a chain has. */
export function chainName({ tree, directories, files, placement }: FatParts, chain: number): string {
  const { directoryChains } = placement;
  if (chain >= directoryChains) return `/${tree.displayPath(files.dentries[chain - directoryChains]!)}`;
  const inode = directories.inodes[directories.inodes.length - directoryChains + chain]!;
  return `/${tree.displayInode(inode)}`;
}
