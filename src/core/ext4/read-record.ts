import { EntryType } from '../layer/entry.ts';
import { EXT4_BOOT_LOADER_INO } from './format/inode.ts';
import type { Filesystem } from './reader/filesystem.ts';
import { decodeRecord, type ImageRecord, RECORD_LENGTH_MAX, recordInvalid } from './record.ts';

/** The record of a filesystem; undefined where there is none. Throws `record-invalid`, or `image-corrupt` as the reader does. */
export function readRecord(filesystem: Filesystem): ImageRecord | undefined {
  if (!filesystem.isInodeUsed(EXT4_BOOT_LOADER_INO)) return undefined;
  const inode = filesystem.inode(EXT4_BOOT_LOADER_INO);
  if (inode.type !== EntryType.file || inode.links === 0) return undefined;
  if (inode.size > RECORD_LENGTH_MAX) {
    throw recordInvalid(`has ${inode.size} bytes, at most ${RECORD_LENGTH_MAX} are read`);
  }
  const record = new Uint8Array(inode.size);
  filesystem.readFile(inode, 0, record);
  return decodeRecord(record);
}
