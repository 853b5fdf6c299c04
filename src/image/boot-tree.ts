import { byteString } from '../core/bytes.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import { ImageError } from '../core/errors.ts';
import type { FileTree } from '../core/guest/file-tree.ts';
import { findKernels } from '../core/guest/find-kernels.ts';
import { ImageTree } from '../core/guest/image-tree.ts';
import { findPath } from '../core/reading/find.ts';
import type { PlannedImage } from './image.ts';
import type { BlobPart } from './joined-blob.ts';
import { type OpenedFile, openFile } from './open-inputs.ts';

/** What a tree is asked for to boot of it. */
export interface BootTree {
  /** For people. */
  readonly name: string;
  readonly files: FileTree;
  /** The bytes of a file, which are read when they are needed. */
  open(path: string): BootFile;
}

/** A file that makes a disk boot. */
export interface BootFile extends BlobPart {
  readonly place: BootFilePlace;
}

/** The path of a file of the host, or of one in the layers. */
type BootFilePlace = { readonly file: string } | { readonly layers: string };

/** The layers as their filesystem has them. Throws `option-invalid` for one that is not read here. */
export function treeOfImage(image: PlannedImage, fs: string): BootTree {
  if (fs !== 'ext4' && fs !== 'ext2') {
    throw new ImageError('option-invalid', `boot on ${fs}: the root filesystem is to be ext4 or ext2`);
  }
  const filesystem = new Filesystem(image);
  return {
    name: 'the layers',
    files: new ImageTree(filesystem),
    open: (path) => {
      const inode = findPath(filesystem, byteString(new TextEncoder().encode(path)));
      return {
        place: { layers: path },
        length: inode.size,
        readSync: (position, target) => void filesystem.readFile(inode, position, target),
        verifyUnchanged: () => image.verifyUnchanged(),
        close: () => undefined,
      };
    },
  };
}

/** The bytes of a file of the host. */
export function hostPart(path: string): BootFile {
  const { blob, size }: OpenedFile = openFile(path);
  return {
    place: { file: path },
    length: size,
    readSync: (position, target) => blob.readSync(position, target),
    verifyUnchanged: () => blob.verifyUnchanged(),
    close: () => blob.close(),
  };
}

/** What distributions call the initial RAM disk of a kernel release. */
const INITRDS = ['boot/initrd.img-RELEASE', 'boot/initramfs-RELEASE.img', 'boot/initrd-RELEASE'] as const;

/** The newest kernel of a tree. Throws `path-not-found`. */
export function newestKernel({ name, files }: BootTree): { readonly path: string; readonly release: string } {
  const [newest] = findKernels(files);
  if (newest !== undefined) return newest;
  throw new ImageError('path-not-found', `no kernel in ${name}: neither boot/vmlinuz-* nor usr/lib/modules/*/vmlinuz`);
}

/** The initial RAM disk of a release. Throws `path-not-found`. */
export function initrdOf({ name, files }: BootTree, release: string): string {
  const paths = INITRDS.map((pattern) => pattern.replace('RELEASE', release));
  const found = paths.find((path) => (files.size(path) ?? 0) > 0);
  if (found !== undefined) return found;
  throw new ImageError('path-not-found', `no initrd for ${release} in ${name}: none of ${paths.join(', ')}`);
}
