import { type ByteString, bytesOf } from '../../src/core/bytes.ts';
import { Extent, ExtentHeader, ExtentIndex } from '../../src/core/ext4/format/extent.ts';
import { GroupDescriptor } from '../../src/core/ext4/format/group-descriptor.ts';
import { Inode } from '../../src/core/ext4/format/inode.ts';
import { Superblock, SUPERBLOCK_OFFSET } from '../../src/core/ext4/format/superblock.ts';
import { RO_COMPAT } from '../../src/core/ext4/format/features.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import type { Field } from '../../src/core/struct.ts';
import { bytesOfImage, planCase } from './image-case.ts';
import { memoryDevice } from './memory-device.ts';
import type { TarEntry } from './tar-writer.ts';

const SUPERBLOCK = Superblock.fields;

/** An image of one group in memory, whose structures can be found and changed. Offsets are in bytes. */
export class DamageableImage {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly blockSize: number;

  constructor(bytes: Uint8Array, blockSize: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.blockSize = blockSize;
  }

  get filesystem(): Filesystem {
    return new Filesystem(memoryDevice(this.bytes));
  }

  /** Nothing has a checksum any more, so that other checks are what finds damage. */
  withoutChecksums(): this {
    const { s_feature_ro_compat: feature } = SUPERBLOCK;
    const at = SUPERBLOCK_OFFSET + feature.offset;
    this.view.setUint32(at, this.view.getUint32(at, true) & ~RO_COMPAT.metadata_csum, true);
    return this;
  }

  setSuperblock(field: keyof typeof SUPERBLOCK, value: number): void {
    this.#set(SUPERBLOCK_OFFSET, SUPERBLOCK[field], value);
  }

  get descriptor(): number {
    return (this.view.getUint32(SUPERBLOCK_OFFSET + SUPERBLOCK.s_first_data_block.offset, true) + 1) * this.blockSize;
  }

  inodeOf(path: ByteString): number {
    const inode = this.filesystem.resolve(path, { followLast: false });
    if (inode === undefined) throw new Error(`no ${path}`);
    const table = this.view.getUint32(this.descriptor + GroupDescriptor.fields.bg_inode_table_lo.offset, true);
    return table * this.blockSize + (inode.ino - 1) * Inode.size;
  }

  setInode(path: ByteString, field: keyof typeof Inode.fields, value: number): void {
    this.#set(this.inodeOf(path), Inode.fields[field], value);
  }

  /** Where the extent header in an inode is. */
  extentsOf(path: ByteString): number {
    return this.inodeOf(path) + Inode.fields.i_block.offset;
  }

  /** Where entry `i` behind an extent header is. */
  extent(header: number, i: number): number {
    return header + ExtentHeader.size + i * Extent.size;
  }

  /** Where the block is that the first entry behind an extent header leads to: of the file, or of the tree. */
  firstBlock(header: number): number {
    const isLeaf = this.view.getUint16(header + ExtentHeader.fields.eh_depth.offset, true) === 0;
    const field = isLeaf ? Extent.fields.ee_start_lo : ExtentIndex.fields.ei_leaf_lo;
    return this.view.getUint32(this.extent(header, 0) + field.offset, true) * this.blockSize;
  }

  /** Where a name's entry in its directory's first block is. */
  entryOf(path: ByteString): number {
    const [, parent = '', name = ''] = /^(?:(.*)\/)?([^/]*)$/.exec(path) ?? [];
    const start = this.firstBlock(this.extentsOf(parent));
    const at = Buffer.from(this.bytes.subarray(start, start + this.blockSize)).indexOf(bytesOf(name));
    if (at < 0) throw new Error(`no entry of ${path}`);
    return start + at - 8;
  }

  #set(start: number, { offset, kind }: Field, value: number): void {
    if (kind === 'u8') this.view.setUint8(start + offset, value);
    else if (kind === 'u16') this.view.setUint16(start + offset, value, true);
    else this.view.setUint32(start + offset, value, true);
  }
}

export async function damageableImage(entries: readonly TarEntry[], blockSize: 1024 | 4096): Promise<DamageableImage> {
  const { image } = await planCase([entries], { blockSize });
  return new DamageableImage(bytesOfImage(image), blockSize);
}
