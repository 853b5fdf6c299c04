import { displayName, type ByteString, utf8ByteString } from '../../core/bytes.ts';
import { ImageError } from '../../core/errors.ts';
import { normalizePath } from '../../core/layer/path.ts';

/** Entries by their path in the image, which begins with a slash, in order. */
export type InlineFiles = Readonly<Record<string, InlineEntry>>;

/** What an entry is, exactly one of these. */
export type InlineContent =
  /** A file of this text in UTF-8. */
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  /** A file with the contents of a file of the host. */
  | { readonly file: string }
  /** Its text, verbatim. */
  | { readonly symlink: string }
  /** Another name of what is at a path of the image. */
  | { readonly hardLink: string }
  /** Opaque: nothing that lower layers have in it is seen. */
  | { readonly directory: true; readonly opaque?: boolean | undefined }
  /** Major and minor number. */
  | { readonly characterDevice: readonly [number, number] }
  | { readonly blockDevice: readonly [number, number] }
  | { readonly fifo: true }
  /** Nothing that lower layers have there is seen. */
  | { readonly remove: true };

/** One entry. What is not told: 0644, 0755 for directories and for files of the host that their owner may execute, 0:0, the image's time. */
export type InlineEntry = InlineContent & {
  readonly mode?: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Seconds since 1970. */
  readonly mtime?: number | undefined;
  /** By full name, `user.comment`; text is taken as UTF-8. */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>> | undefined;
};

/**
 * The normalized form of a path of the image that begins with a slash; `''` is the root. Throws `name-invalid` for any other, and
 * for names that mean a removal in layers.
 */
export function imagePath(path: string): ByteString {
  const shown = displayName(utf8ByteString(path), 80);
  if (!path.startsWith('/')) throw new ImageError('name-invalid', `the path ${shown} does not begin with /`);
  const components = path.split('/');
  if (components.some((component) => component === '.' || component === '..')) {
    throw new ImageError('name-invalid', `the path ${shown} has . or .. in it`);
  }
  if (components.some((component) => component.startsWith('.wh.'))) {
    throw new ImageError('name-invalid', `the path ${shown} has a name that begins with .wh., which means a removal`);
  }
  return normalizePath(utf8ByteString(path), {});
}
