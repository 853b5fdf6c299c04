import { crc32c } from 'ext2fs-wasm';
import type { Features } from './features.ts';
import {
  JBD2_CRC32C_CHKSUM,
  JBD2_MAGIC_NUMBER,
  JOURNAL_SUPERBLOCK_SIZE,
  JournalBlockType,
  JournalIncompat,
  JournalOffset as At,
} from './format/journal.ts';

const CHECKSUM_SEED = 0xffff_ffff;

/** The first block of an empty journal of `blocks` blocks, 1024 bytes of it; all others are zeros. */
export function journalSuperblock(blocks: number, blockSize: number, uuid: Uint8Array, features: Features): Uint8Array {
  const bytes = new Uint8Array(JOURNAL_SUPERBLOCK_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(At.h_magic, JBD2_MAGIC_NUMBER);
  view.setUint32(At.h_blocktype, JournalBlockType.superblockV2);
  view.setUint32(At.s_blocksize, blockSize);
  view.setUint32(At.s_maxlen, blocks);
  view.setUint32(At.s_first, 1);
  view.setUint32(At.s_sequence, 1);
  view.setUint32(
    At.s_feature_incompat,
    JournalIncompat.csum_v3 | (features.has('64bit') ? JournalIncompat['64bit'] : 0),
  );
  bytes.set(uuid, At.s_uuid);
  view.setUint32(At.s_nr_users, 1);
  view.setUint8(At.s_checksum_type, JBD2_CRC32C_CHKSUM);
  view.setUint32(At.s_checksum, crc32c(CHECKSUM_SEED, bytes));
  return bytes;
}
