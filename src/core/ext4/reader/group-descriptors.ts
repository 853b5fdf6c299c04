import { crc32c } from 'ext2fs-wasm';
import { from64, viewOf } from '../../struct.ts';
import { GroupDescriptor } from '../format/group-descriptor.ts';
import type { BlockReader } from './block-reader.ts';
import { crc16 } from './crc16.ts';
import { checkChecksum, corrupt } from './failure.ts';
import { COMPAT, INCOMPAT, RO_COMPAT } from '../format/features.ts';
import type { ReadSuperblock } from './superblock.ts';

/** The upper halves of the addresses stand this far behind the lower ones, in descriptors that have them. */
const HIGH_HALF = 0x20;
const CHECKSUM = GroupDescriptor.fields.bg_checksum;
const SEED = 0xffff;

/** How many groups' inode tables are remembered. */
const SLOTS = 256;

/** Where the inode tables of a filesystem begin. */
export class InodeTables {
  readonly #reader: BlockReader;
  readonly #superblock: ReadSuperblock;
  readonly #slotGroup = new Float64Array(SLOTS).fill(-1);
  readonly #slotTable = new Float64Array(SLOTS);

  constructor(reader: BlockReader, superblock: ReadSuperblock) {
    this.#reader = reader;
    this.#superblock = superblock;
  }

  /** The block in which a group's inode table begins. Throws `image-corrupt`. */
  blockOf(group: number): number {
    const slot = group % SLOTS;
    if (this.#slotGroup[slot] === group) return this.#slotTable[slot]!;
    const table = groupTables(this.#reader, this.#superblock, group).inodeTable;
    this.#slotGroup[slot] = group;
    this.#slotTable[slot] = table;
    return table;
  }
}

/** Where the tables of a group begin, in blocks. */
export interface GroupTables {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
}

/** What the descriptor of a group says. Throws `image-corrupt`. */
export function groupTables(reader: BlockReader, superblock: ReadSuperblock, group: number): GroupTables {
  const { descriptorSize, blockSize, blocks } = superblock;
  const perBlock = blockSize / descriptorSize;
  const block = descriptorBlock(superblock, Math.floor(group / perBlock));
  const at = (group % perBlock) * descriptorSize;
  const bytes = reader.block(block, `descriptor of group ${group}`).subarray(at, at + descriptorSize);
  verify(superblock, group, bytes);
  const view = viewOf(bytes);
  const address = ({ offset }: { readonly offset: number }): number => {
    const high = descriptorSize > HIGH_HALF ? view.getUint32(offset + HIGH_HALF, true) : 0;
    const found = from64(view.getUint32(offset, true), high);
    if (found === 0 || found >= blocks) throw corrupt(`group ${group}: a table at block ${found} of ${blocks}`);
    return found;
  };
  return {
    blockBitmap: address(GroupDescriptor.fields.bg_block_bitmap_lo),
    inodeBitmap: address(GroupDescriptor.fields.bg_inode_bitmap_lo),
    inodeTable: address(GroupDescriptor.fields.bg_inode_table_lo),
  };
}

/** Where the `index`th block of descriptors is: behind the superblock, or with meta_bg at the start of the groups it describes. */
export function descriptorBlock(superblock: ReadSuperblock, index: number): number {
  const { fields, incompat, blockSize, descriptorSize } = superblock;
  const superblockAt = superblockBlock(superblock);
  if ((incompat & INCOMPAT.meta_bg) === 0 || index < fields.s_first_meta_bg) return superblockAt + 1 + index;
  const group = index * (blockSize / descriptorSize);
  const first = group === 0 ? superblockAt : fields.s_first_data_block + group * fields.s_blocks_per_group;
  return first + (hasSuperblock(superblock, group) ? 1 : 0);
}

/** With clusters of 1 KiB blocks the first data block is 0, and the superblock in block 1 all the same. */
function superblockBlock({ blockSize }: ReadSuperblock): number {
  return blockSize === 1024 ? 1 : 0;
}

/** Whether a group begins with a copy of the superblock. */
export function hasSuperblock({ fields, compat, roCompat }: ReadSuperblock, group: number): boolean {
  if (group === 0) return true;
  if ((compat & COMPAT.sparse_super2) !== 0) {
    const backups = viewOf(fields.s_backup_bgs);
    return group === backups.getUint32(0, true) || group === backups.getUint32(4, true);
  }
  if ((roCompat & RO_COMPAT.sparse_super) === 0 || group === 1) return true;
  return [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

function verify(superblock: ReadSuperblock, group: number, bytes: Uint8Array): void {
  const { fields, roCompat, hasMetadataChecksums, checksumSeed } = superblock;
  const number = new Uint8Array(4);
  viewOf(number).setUint32(0, group, true);
  const found = viewOf(bytes).getUint16(CHECKSUM.offset, true);
  const before = bytes.subarray(0, CHECKSUM.offset);
  const after = bytes.subarray(CHECKSUM.offset + CHECKSUM.size);
  if (hasMetadataChecksums) {
    const start = crc32c(crc32c(checksumSeed, number), before);
    const computed = crc32c(crc32c(start, new Uint8Array(CHECKSUM.size)), after) & 0xffff;
    checkChecksum(found, computed, `descriptor of group ${group}`);
  } else if ((roCompat & RO_COMPAT.uninit_bg) !== 0) {
    const computed = crc16(crc16(crc16(crc16(SEED, fields.s_uuid), number), before), after);
    checkChecksum(found, computed, `descriptor of group ${group}`);
  }
}
