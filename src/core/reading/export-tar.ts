import { type ByteString, bytesOf, displayName } from '../bytes.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { TAR_END } from '../tar/write-header.ts';
import { whiteoutOf } from '../tree/whiteout.ts';
import { Inventory } from './inventory.ts';
import { linkMember, memberOf } from './member.ts';

/** What an export tells. */
export interface ExportOptions {
  /** Called with what the tar cannot hold, and with what others may read in another way. */
  readonly warn: (warning: string) => void;
}

/**
 * A tar of everything below `start`, itself as `./`; of something that is not a directory one member with its name. The order of
 * members and all their bytes follow from the filesystem alone. Each piece is good until the next is asked for.
 */
export function* exportTar(
  filesystem: ReadableFilesystem,
  start: ReadableInode,
  name: ByteString,
  { warn }: ExportOptions,
): Generator<Uint8Array, void> {
  if (start.type === EntryType.directory) yield* exportDirectory(filesystem, start, warn);
  else if (start.type === EntryType.socket) warn(socketWarning(name));
  else yield* memberOf(filesystem, name, start);
  yield TAR_END;
}

function* exportDirectory(
  filesystem: ReadableFilesystem,
  start: ReadableInode,
  warn: (warning: string) => void,
): Generator<Uint8Array, void> {
  const inventory = new Inventory(filesystem, start);
  for (const row of inventory.inOrder()) {
    const path = inventory.path(row);
    const inode = filesystem.inode(inventory.inoOf(row));
    if (inode.type === EntryType.socket) warn(socketWarning(path));
    else {
      warnOfWhiteout(path, warn);
      yield* memberOf(filesystem, path, inode);
    }
  }
  for (const { row, first } of inventory.otherNames()) {
    const path = inventory.path(row);
    const inode = filesystem.inode(inventory.inoOf(row));
    if (inode.type === EntryType.socket) continue;
    warnOfWhiteout(path, warn);
    yield linkMember(path, inventory.path(first), inode);
  }
}

const socketWarning = (path: ByteString): string =>
  `${displayName(path)}: a socket, which a tar cannot hold, is left out`;

function warnOfWhiteout(path: ByteString, warn: (warning: string) => void): void {
  if (whiteoutOf(bytesOf(path.slice(path.lastIndexOf('/') + 1))) === 'none') return;
  warn(`${displayName(path)}: its name means a whiteout where the tar is read as a layer`);
}
