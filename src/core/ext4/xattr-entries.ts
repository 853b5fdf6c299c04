import { type ByteString, bytesOf } from '../bytes.ts';
import type { ImageErrorContext } from '../errors.ts';
import type { Xattr } from '../layer/entry.ts';
import { aclToDisk } from './acl.ts';
import { XATTR_NAME_INDEX, XattrEntry } from './format/xattr.ts';

/** An xattr as ext4 stores it: the name without the prefix that `index` stands for. */
export interface DiskXattr {
  readonly index: number;
  readonly name: ByteString;
  readonly value: Uint8Array;
  /** The inode that holds the value; without one it stands with the entry. */
  readonly valueInode?: ValueInode | undefined;
}

/** An inode of an xattr's value (ea_inode), and the value's hash. */
export interface ValueInode {
  readonly ino: number;
  readonly hash: number;
}

const ACL_ACCESS = 2;
const ACL_DEFAULT = 3;

/**
 * The xattrs that ext4 can hold, in its order: by index, length of the name, name. Names with a prefix that Linux does not
 * serve on ext4 are passed to `skipped`.
 */
export function toDiskXattrs(
  xattrs: readonly Xattr[],
  context: () => ImageErrorContext,
  skipped: (name: ByteString) => void,
): DiskXattr[] {
  const found: DiskXattr[] = [];
  for (const { name, value } of xattrs) {
    const prefix = XATTR_NAME_INDEX.find(([text]) => (text.endsWith('.') ? name.startsWith(text) : name === text));
    const rest = name.slice(prefix?.[0].length ?? 0);
    const [, index] = prefix ?? [];
    if (index === ACL_ACCESS || index === ACL_DEFAULT) {
      const acl = aclToDisk(value, context());
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

/** The zeros that end a list of entries, in bytes. */
export const LIST_END = 4;

/** How many bytes an entry takes, and its value unless that stands `apart`, in an inode of its own. */
export const entryLength = ({ name, value }: DiskXattr, apart: boolean): number =>
  XattrEntry.size + padded(name.length) + (apart ? 0 : padded(value.length));

/**
 * Writes entries from `start` and their values backward from `end`; a value's offset counts from `base`. In an inode only the
 * entries of values with an inode have hashes: the kernel writes none for others. Returns h_hash for a block's header, 0 when an
 * entry hashes to 0.
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
  for (const { index, name, value, valueInode } of xattrs) {
    const lengthHere = valueInode === undefined ? value.length : 0;
    valueAt -= padded(lengthHere);
    if (lengthHere > 0) target.set(value, valueAt);
    let e_hash = 0;
    if (valueInode !== undefined) e_hash = hashOfInode(name, valueInode.hash);
    else if (place.hashed) e_hash = hashOfValue(name, view, valueAt, value.length);
    XattrEntry.write(view, at, {
      e_name_len: name.length,
      e_name_index: index,
      e_value_offs: lengthHere === 0 ? 0 : valueAt - place.base,
      e_value_inum: valueInode?.ino ?? 0,
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

/** Over the bytes of a name, unsigned. */
function nameHash(name: ByteString): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = rotate(hash, NAME_SHIFT) ^ name.charCodeAt(i);
  return hash;
}

/** e_hash of a value that stands with its entry: over the name, and the value in 32-bit words padded with zeros. */
function hashOfValue(name: ByteString, view: DataView, valueAt: number, valueLength: number): number {
  let hash = nameHash(name);
  for (let i = 0; i < valueLength; i += 4) hash = rotate(hash, VALUE_SHIFT) ^ view.getUint32(valueAt + i, true);
  return hash >>> 0;
}

/** e_hash of a value that has an inode: the value's own hash stands for its words. */
const hashOfInode = (name: ByteString, hash: number): number => (rotate(nameHash(name), VALUE_SHIFT) ^ hash) >>> 0;
