import { type ByteString, bytesOf } from '../bytes.ts';
import type { ImageErrorContext } from '../errors.ts';
import type { Xattr } from '../layer/entry.ts';
import { aclToDisk } from './acl.ts';
import { XATTR_NAME_INDEX, XattrEntry, XattrHeader } from './format/xattr.ts';

/** An xattr as ext4 stores it: the name without the prefix that `index` stands for. */
export interface DiskXattr {
  readonly index: number;
  readonly name: ByteString;
  readonly value: Uint8Array;
}

const ACL_ACCESS = 2;
const ACL_DEFAULT = 3;

/**
 * The xattrs that ext4 can hold, in its order: by index, length of the name, name. Names with a prefix that Linux does not
 * serve on ext4 are passed to `skipped`.
 */
export function toDiskXattrs(
  xattrs: readonly Xattr[],
  context: ImageErrorContext,
  skipped: (name: ByteString) => void,
): DiskXattr[] {
  const found: DiskXattr[] = [];
  for (const { name, value } of xattrs) {
    const prefix = XATTR_NAME_INDEX.find(([text]) => (text.endsWith('.') ? name.startsWith(text) : name === text));
    const rest = name.slice(prefix?.[0].length ?? 0);
    const [, index] = prefix ?? [];
    if (index === ACL_ACCESS || index === ACL_DEFAULT) {
      const acl = aclToDisk(value, context);
      if (acl.length > 0) found.push({ index, name: '', value: acl });
    } else if (index !== undefined && rest !== '') {
      found.push({ index, name: rest, value });
    } else {
      skipped(name);
    }
  }
  return found.sort(compare);
}

function compare(a: DiskXattr, b: DiskXattr): number {
  return a.index - b.index || a.name.length - b.name.length || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

const padded = (length: number): number => (length + 3) & ~3;

/** How many bytes an entry and its value take. */
export const entryLength = ({ name, value }: DiskXattr): number =>
  XattrEntry.size + padded(name.length) + padded(value.length);

/** How many bytes entries, their values and the four zeros that end them take. */
export const entriesLength = (xattrs: readonly DiskXattr[]): number =>
  xattrs.reduce((sum, xattr) => sum + entryLength(xattr), 4);

/**
 * Writes entries from `start` and their values backward from `end`; a value's offset counts from `base`. Only a block's
 * entries have hashes: the kernel writes none in inodes. Returns h_hash for a block's header, 0 when an entry hashes to 0.
 */
export function writeEntries(
  xattrs: readonly DiskXattr[],
  place: { readonly start: number; readonly end: number; readonly base: number; readonly hashed: boolean },
  target: Uint8Array,
  view: DataView,
): number {
  let at = place.start;
  let valueAt = place.end;
  let h_hash = 0;
  let hashed = place.hashed;
  for (const { index, name, value } of xattrs) {
    valueAt -= padded(value.length);
    target.set(value, valueAt);
    const e_hash = place.hashed ? entryHash(name, view, valueAt, value.length) : 0;
    XattrEntry.write(view, at, {
      e_name_len: name.length,
      e_name_index: index,
      e_value_offs: value.length === 0 ? 0 : valueAt - place.base,
      e_value_size: value.length,
      e_hash,
    });
    target.set(bytesOf(name), at + XattrEntry.size);
    at += XattrEntry.size + padded(name.length);
    h_hash = rotate(h_hash, VALUE_SHIFT) ^ e_hash;
    if (e_hash === 0) hashed = false;
  }
  return hashed ? h_hash >>> 0 : 0;
}

const NAME_SHIFT = 5;
const VALUE_SHIFT = 16;
const rotate = (hash: number, shift: number): number => (hash << shift) ^ (hash >>> (32 - shift));

/** e_hash: over the name's bytes, unsigned, and the value in 32-bit words padded with zeros. */
function entryHash(name: ByteString, view: DataView, valueAt: number, valueLength: number): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = rotate(hash, NAME_SHIFT) ^ name.charCodeAt(i);
  for (let i = 0; i < valueLength; i += 4) hash = rotate(hash, VALUE_SHIFT) ^ view.getUint32(valueAt + i, true);
  return hash >>> 0;
}

/** What a block holds of entries, values and their end, in bytes. */
export const blockCapacity = (blockSize: number): number => blockSize - XattrHeader.size;
