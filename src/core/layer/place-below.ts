import { type ByteString, bytesOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from './entry.ts';
import { entryLinkPathBytes, entryPathBytes, type LayerIndex } from './layer-index.ts';

const SLASH = 0x2f;
/** The most bytes that all paths of a layer may have together. */
const PATH_BYTES_MAX = 2 ** 30;

/**
 * The same layer as if each of its names began with `at`, a normalized path: hard links lead to the same entries, whiteouts hide
 * what is below `at`, and the entry of the root is that of `at`. The texts of symlinks stay. Throws `limit-exceeded`, or
 * `layer-corrupt` for a root that is no directory.
 */
export function placeBelow(index: LayerIndex, at: ByteString): LayerIndex {
  if (at === '') return index;
  const prefix = bytesOf(at);
  const isRoot = (entry: number): boolean => entryPathBytes(index, entry).length === 0;
  for (let entry = 0; entry < index.count; entry++) {
    if (isRoot(entry) && index.type[entry] !== EntryType.directory) {
      throw new ImageError('layer-corrupt', 'the root is not a directory', { path: '' });
    }
  }
  const paths = prefixed(
    index.count,
    prefix,
    (entry) => entryPathBytes(index, entry),
    () => true,
  );
  const links = prefixed(
    index.count,
    prefix,
    (entry) => entryLinkPathBytes(index, entry),
    (entry) => index.type[entry] === EntryType.hardLink,
  );
  return { ...index, pathBytes: paths.bytes, pathEnd: paths.ends, linkPathBytes: links.bytes, linkPathEnd: links.ends };
}

/** The texts of all entries one after another, with the prefix where `isBelow`, and where each ends. */
function prefixed(
  count: number,
  prefix: Uint8Array,
  textOf: (entry: number) => Uint8Array,
  isBelow: (entry: number) => boolean,
): { bytes: Uint8Array; ends: Uint32Array } {
  const ends = new Uint32Array(count);
  let length = 0;
  for (let entry = 0; entry < count; entry++) {
    const text = textOf(entry).length;
    length += text + (isBelow(entry) ? prefix.length + Number(text > 0) : 0);
    if (length > PATH_BYTES_MAX) throw new ImageError('limit-exceeded', `its paths have over ${PATH_BYTES_MAX} bytes`);
    ends[entry] = length;
  }
  const bytes = new Uint8Array(length);
  for (let entry = 0, at = 0; entry < count; at = ends[entry++]!) {
    const text = textOf(entry);
    if (isBelow(entry)) {
      bytes.set(prefix, at);
      if (text.length > 0) bytes[at + prefix.length] = SLASH;
    }
    bytes.set(text, ends[entry]! - text.length);
  }
  return { bytes, ends };
}
