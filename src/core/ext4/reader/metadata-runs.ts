import type { BlockReader } from './block-reader.ts';
import { INCOMPAT } from '../format/features.ts';
import { descriptorBlock, groupTables, hasSuperblock } from './group-descriptors.ts';
import { BlockUse } from './block-use.ts';
import type { ReadSuperblock } from './superblock.ts';

/** Blocks of one of the filesystem's own tables. Counted in blocks. */
export interface MetadataRun {
  readonly use: BlockUse;
  readonly start: number;
  readonly count: number;
}

/** The superblock, the descriptors, their copies, and the tables of every group. Throws `image-corrupt`. */
export function* metadataRuns(reader: BlockReader, superblock: ReadSuperblock): Generator<MetadataRun, void> {
  const { groups, blockSize, descriptorSize, fields, incompat, inodeSize } = superblock;
  const descriptorBlocks = Math.ceil((groups * descriptorSize) / blockSize);
  const isMeta = (incompat & INCOMPAT.meta_bg) !== 0;
  const tableBlocks = Math.ceil((fields.s_inodes_per_group * inodeSize) / blockSize);
  for (let i = 0; isMeta && i < descriptorBlocks; i++) {
    yield { use: BlockUse.groupDescriptors, start: descriptorBlock(superblock, i), count: 1 };
  }
  for (let group = 0; group < groups; group++) {
    if (hasSuperblock(superblock, group)) {
      const start = fields.s_first_data_block + group * fields.s_blocks_per_group;
      yield { use: BlockUse.superblock, start, count: 1 };
      if (!isMeta) yield { use: BlockUse.groupDescriptors, start: start + 1, count: descriptorBlocks };
    }
    const { blockBitmap, inodeBitmap, inodeTable } = groupTables(reader, superblock, group);
    yield { use: BlockUse.bitmap, start: blockBitmap, count: 1 };
    yield { use: BlockUse.bitmap, start: inodeBitmap, count: 1 };
    yield { use: BlockUse.inodeTable, start: inodeTable, count: tableBlocks };
  }
}
