import { type ByteString, displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';

const KIND: Readonly<Record<number, string>> = {
  [EntryType.file]: 'a file',
  [EntryType.directory]: 'a directory',
  [EntryType.symlink]: 'a symlink',
  [EntryType.characterDevice]: 'a character device',
  [EntryType.blockDevice]: 'a block device',
  [EntryType.fifo]: 'a pipe',
  [EntryType.socket]: 'a socket',
};

/** What an inode is, for people: `a directory`. */
export const kindOf = ({ type }: ReadableInode): string => KIND[type]!;

/**
 * The inode that a path names, from the root; symlinks lead to places in the image. Throws `path-not-found`, which says how
 * far the path leads.
 */
export function findPath<I extends ReadableInode>(
  filesystem: ReadableFilesystem<I>,
  path: ByteString,
  options: { followLast?: boolean } = {},
): I {
  const found = filesystem.resolve(path, options);
  if (found !== undefined) return found;
  const names = path.split('/').filter((name) => name !== '');
  for (let count = names.length - 1; count > 0; count--) {
    const parent = names.slice(0, count).join('/');
    const inode = filesystem.resolve(parent) ?? filesystem.resolve(parent, { followLast: false });
    if (inode !== undefined) throw notFound(path, `/${displayName(parent)} is ${kindOf(inode)}${hint(inode)}`);
  }
  throw notFound(path, 'nothing of it is there');
}

function hint(inode: ReadableInode): string {
  return inode.type === EntryType.directory ? ' without that name' : '';
}

function notFound(path: ByteString, what: string): ImageError {
  return new ImageError('path-not-found', `the image has no ${displayName(path)}: ${what}`);
}
