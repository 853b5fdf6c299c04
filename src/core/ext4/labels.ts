import { displayName } from '../bytes.ts';
import { entryPath } from '../layer/layer-index.ts';
import { lastAtMost } from '../plan/blocks-source.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { EXT4_BOOT_LOADER_INO, EXT4_JOURNAL_INO } from './format/inode.ts';
import { SUPERBLOCK_OFFSET } from './format/superblock.ts';
import type { Geometry } from './geometry.ts';
import type { Numbering } from './numbering.ts';
import type { DataPlacement } from './placement.ts';
import { ownerOf } from './regions.ts';

/** What an inode number stands for: `/etc/hostname`, `the journal`. */
export function inodeLabel(tree: Tree, { inodeOf }: Numbering, ino: number): string {
  if (ino === EXT4_BOOT_LOADER_INO) return 'the image record';
  if (ino === EXT4_JOURNAL_INO) return 'the journal';
  return `/${tree.displayInode(inodeOf[ino]!)}`;
}

/** What zeros or bytes of a layer at `offset` of the image are, given whose they are. */
export function labelOf(tree: Tree, geometry: Geometry, data: DataPlacement, owner: number, offset: number): string {
  const block = Math.floor(offset / geometry.blockSize);
  if (owner !== 0) {
    const inode = owner - ownerOf(0);
    const within = geometry.contentBlocks.contentOf(block) - geometry.data - data.first[inode]!;
    const isData = within < data.count[inode]! - (data.verity[inode] ?? 0);
    return isData ? fileLabel(tree, inode) : `fs-verity of ${fileLabel(tree, inode)}`;
  }
  if (offset < SUPERBLOCK_OFFSET) return 'boot area';
  if (block <= geometry.firstDataBlock) return 'superblock, rest of its block';
  if (block < geometry.groupDescriptors + geometry.groupDescriptorBlocks)
    return 'group descriptors, rest of their block';
  if (block >= geometry.blocks) return 'behind the filesystem';
  return groupLabel(geometry, block) ?? backupLabel(geometry, block) ?? journalLabel(geometry, block) ?? 'free';
}

/** What of a group's copies of superblock and descriptors a block belongs to that no source has made. */
function backupLabel(geometry: Geometry, block: number): string | undefined {
  const { firstDataBlock, blocksPerGroup, backupGroups, groupDescriptorBlocks, reservedGdtBlocks } = geometry;
  const group = Math.floor((block - firstDataBlock) / blocksPerGroup);
  if (!backupGroups.includes(group)) return undefined;
  const within = block - firstDataBlock - group * blocksPerGroup;
  if (within === 0) return `backup of the superblock, rest of its block, group ${group}`;
  if (within <= groupDescriptorBlocks) return `backup of the group descriptors, rest of their block, group ${group}`;
  return within <= groupDescriptorBlocks + reservedGdtBlocks ? `reserved group descriptors, group ${group}` : undefined;
}

/** The bitmap or the inode table that a block belongs to. */
function groupLabel(
  { blockBitmaps, inodeBitmaps, inodeTables, ...geometry }: Geometry,
  block: number,
): string | undefined {
  const groupAt = (starts: Float64Array): number => (block < starts[0]! ? 0 : lastAtMost(starts, starts.length, block));
  const [blockBitmap, inodeBitmap, table] = [groupAt(blockBitmaps), groupAt(inodeBitmaps), groupAt(inodeTables)];
  if (blockBitmaps[blockBitmap] === block) return `block bitmap, group ${blockBitmap}`;
  if (inodeBitmaps[inodeBitmap] === block) return `inode bitmap, group ${inodeBitmap}`;
  const within = block - inodeTables[table]!;
  return within >= 0 && within < geometry.inodeTableBlocksPerGroup ? `inode table, group ${table}` : undefined;
}

function journalLabel({ journal, journalBlocks, contentBlocks }: Geometry, block: number): string | undefined {
  const content = contentBlocks.contentOf(block);
  const isIn = content >= journal && content < journal + journalBlocks && contentBlocks.blockOf(content) === block;
  return isIn ? 'journal' : undefined;
}

function fileLabel(tree: Tree, inode: number): string {
  const layer = tree.inodeLayer.values[inode]!;
  if (tree.dentryOf(inode) !== NONE) return `file /${tree.displayInode(inode)} (layer ${layer})`;
  const path = displayName(entryPath(tree.layers[layer]!, tree.inodeEntry.values[inode]!), 4096);
  return `free, kept for /${path} of layer ${layer}`;
}
