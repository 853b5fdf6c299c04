import { bytesSource } from '../plan/bytes-source.ts';
import { roundUp } from '../struct.ts';
import { EXT4_BOOT_LOADER_INO, EXT4_JOURNAL_INO, EXT4_RESIZE_INO, EXT2_DIND_BLOCK } from './format/inode.ts';
import { SUPERBLOCK_OFFSET } from './format/superblock.ts';
import type { NamelessFile } from './inode-table.ts';
import { journalSuperblock } from './journal.ts';
import type { Parts } from './place-contents.ts';
import type { ContentSource, FixedSource } from './regions.ts';
import { reservedGdtBlocks, resizeInodeBlock, resizeInodeBlocks, resizeInodeSize } from './resize-inode.ts';
import { makeSuperblock, type SuperblockParts } from './superblock.ts';

/** For root to read. */
const RECORD_MODE = 0o400;
/** As mke2fs makes them. */
const SPECIAL_MODE = 0o600;

/** The files that have no names: the record, as EXT4_IOC_SWAP_BOOT would make it, and those of a filesystem that guests write to. */
export function namelessFiles({ geometry, contents, mappings, recordBytes }: Parts): Map<number, NamelessFile> {
  const blocksOf = (ino: number): number => contents.count[ino]! + mappings.blocksOf(ino);
  const record = {
    label: 'image record',
    mode: RECORD_MODE,
    size: recordBytes.length,
    blocks: blocksOf(EXT4_BOOT_LOADER_INO),
  };
  const files = new Map<number, NamelessFile>([[EXT4_BOOT_LOADER_INO, record]]);
  const { blockSize, journalBlocks } = geometry;
  if (journalBlocks > 0) {
    const journal = {
      label: 'journal',
      mode: SPECIAL_MODE,
      size: journalBlocks * blockSize,
      blocks: blocksOf(EXT4_JOURNAL_INO),
    };
    files.set(EXT4_JOURNAL_INO, journal);
  }
  if (geometry.reservedGdtBlocks > 0) {
    const i_block = new Uint8Array(60);
    const block = geometry.contentBlocks.blockOf(geometry.resizeInode);
    new DataView(i_block.buffer).setUint32(4 * EXT2_DIND_BLOCK, block, true);
    const [size, blocks] = [resizeInodeSize(blockSize), resizeInodeBlocks(geometry)];
    files.set(EXT4_RESIZE_INO, { label: 'resize inode', mode: SPECIAL_MODE, size, blocks, i_block });
  }
  return files;
}

/** What the superblock says of the journal. */
export function journalFields({ geometry, mappings }: Parts): SuperblockParts['journal'] {
  if (geometry.journalBlocks === 0) return undefined;
  const i_block = new Uint8Array(60);
  mappings.writeRoot(EXT4_JOURNAL_INO, 0, i_block, new DataView(i_block.buffer));
  return { i_block, size: geometry.journalBlocks * geometry.blockSize };
}

/** Superblock, descriptors and their copies, and the record. */
export function fixedSources(parts: SuperblockParts, descriptors: Uint8Array, record: Uint8Array): FixedSource[] {
  const { geometry } = parts;
  const { blockSize, backupGroups, blocksPerGroup } = geometry;
  const groupDescriptors = geometry.groupDescriptors * blockSize;
  const sources = [
    { start: SUPERBLOCK_OFFSET, source: bytesSource(makeSuperblock(parts), 'superblock') },
    { start: groupDescriptors, source: bytesSource(descriptors, 'group descriptors') },
    { start: geometry.record * blockSize, source: bytesSource(inWholeBlocks(record, blockSize), 'image record') },
  ];
  if (geometry.reservedGdtBlocks > 0) {
    const start = groupDescriptors + geometry.groupDescriptorBlocks * blockSize;
    sources.push({ start, source: reservedGdtBlocks(geometry) });
  }
  for (const group of backupGroups) {
    const start = (geometry.firstDataBlock + group * blocksPerGroup) * blockSize;
    const superblock = bytesSource(makeSuperblock(parts, group), `backup of the superblock, group ${group}`);
    sources.push({ start, source: superblock });
    const copy = bytesSource(descriptors, `backup of the group descriptors, group ${group}`);
    sources.push({ start: start + blockSize, source: copy });
  }
  return sources;
}

/** What the resize inode and the journal hold. */
export function specialContents({ geometry, features }: Parts, uuid: Uint8Array): ContentSource[] {
  const { blockSize, journalBlocks } = geometry;
  const sources: ContentSource[] = [];
  if (geometry.reservedGdtBlocks > 0) {
    sources.push({ block: geometry.resizeInode, source: bytesSource(resizeInodeBlock(geometry), 'resize inode') });
  }
  if (journalBlocks > 0) {
    const superblock = journalSuperblock(journalBlocks, blockSize, uuid, features);
    sources.push({ block: geometry.journal, source: bytesSource(superblock, 'journal superblock') });
  }
  return sources;
}

function inWholeBlocks(bytes: Uint8Array, blockSize: number): Uint8Array {
  const blocks = new Uint8Array(roundUp(bytes.length, blockSize));
  blocks.set(bytes);
  return blocks;
}
