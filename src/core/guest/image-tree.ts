import { utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { Filesystem } from '../ext4/reader/filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { findPath } from '../reading/find.ts';
import type { FileTree } from './file-tree.ts';

/** The files of an image. Names are byte strings; those of kernels and modules are ASCII. */
export class ImageTree implements FileTree {
  readonly #filesystem: Filesystem;

  constructor(filesystem: Filesystem) {
    this.#filesystem = filesystem;
  }

  names(path: string): readonly string[] | undefined {
    const inode = this.#filesystem.resolve(utf8ByteString(path));
    if (inode?.type !== EntryType.directory) return undefined;
    return Array.from(this.#filesystem.names(inode), ({ name }) => name);
  }

  size(path: string): number | undefined {
    const inode = this.#filesystem.resolve(utf8ByteString(path));
    return inode?.type === EntryType.file ? inode.size : undefined;
  }

  read(path: string, bytesMax: number): Uint8Array {
    const inode = findPath(this.#filesystem, utf8ByteString(path));
    if (inode.type !== EntryType.file || inode.size > bytesMax) {
      const what = `expected a file of at most ${bytesMax} bytes`;
      throw new ImageError('image-unsupported', `/${path} of the image: ${what}`);
    }
    const bytes = new Uint8Array(inode.size);
    this.#filesystem.readFile(inode, 0, bytes);
    return bytes;
  }
}
