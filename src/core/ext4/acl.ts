import { ImageError, type ImageErrorContext } from '../errors.ts';

/** The version and the entry length of the form that Linux's system calls and tars use (POSIX_ACL_XATTR_VERSION). */
const WIRE_VERSION = 2;
const WIRE_ENTRY_LENGTH = 8;
/** The version of the form on disk (EXT4_ACL_VERSION). */
const DISK_VERSION = 1;
/** e_tag: entries for a named user or group carry an id, the others do not. */
const Tag = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;
/** e_id of the others (ACL_UNDEFINED_ID). */
const NO_ID = 0xffff_ffff;
const TAGS: readonly number[] = Object.values(Tag);

/** The on-disk form of a POSIX ACL's xattr value, empty for an ACL without entries; throws `layer-corrupt` for one that is malformed. */
export function aclToDisk(value: Uint8Array, context: ImageErrorContext): Uint8Array {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (value.length < 4 || (value.length - 4) % WIRE_ENTRY_LENGTH !== 0 || view.getUint32(0, true) !== WIRE_VERSION) {
    throw new ImageError(
      'layer-corrupt',
      `an ACL of ${value.length} bytes that is not of version ${WIRE_VERSION}`,
      context,
    );
  }
  const disk = new DataView(new ArrayBuffer(value.length));
  disk.setUint32(0, DISK_VERSION, true);
  let length = 4;
  for (let at = 4; at < value.length; at += WIRE_ENTRY_LENGTH) {
    const tag = view.getUint16(at, true);
    if (!TAGS.includes(tag))
      throw new ImageError('layer-corrupt', `an ACL entry with the tag 0x${tag.toString(16)}`, context);
    disk.setUint16(length, tag, true);
    disk.setUint16(length + 2, view.getUint16(at + 2, true), true);
    length += 4;
    if (tag !== Tag.user && tag !== Tag.group) continue;
    disk.setUint32(length, view.getUint32(at + 4, true), true);
    length += 4;
  }
  return new Uint8Array(disk.buffer, 0, length === 4 ? 0 : length);
}

/** The form of Linux's system calls of an ACL on disk, that of inode `ino`; throws `image-corrupt` for one that is malformed. */
export function aclFromDisk(disk: Uint8Array, ino: number): Uint8Array {
  const view = new DataView(disk.buffer, disk.byteOffset, disk.length);
  const malformed = (): ImageError => new ImageError('image-corrupt', `inode ${ino}: an ACL of ${disk.length} bytes`);
  if (disk.length === 0) return wireAcl([]);
  if (disk.length < 4 || view.getUint32(0, true) !== DISK_VERSION) throw malformed();
  const entries: [tag: number, permissions: number, id: number][] = [];
  for (let at = 4; at < disk.length; ) {
    if (at + 4 > disk.length) throw malformed();
    const tag = view.getUint16(at, true);
    const hasId = tag === Tag.user || tag === Tag.group;
    if (!TAGS.includes(tag) || (hasId && at + 8 > disk.length)) throw malformed();
    entries.push([tag, view.getUint16(at + 2, true), hasId ? view.getUint32(at + 4, true) : NO_ID]);
    at += hasId ? 8 : 4;
  }
  return wireAcl(entries);
}

function wireAcl(entries: readonly (readonly [tag: number, permissions: number, id: number])[]): Uint8Array {
  const wire = new DataView(new ArrayBuffer(4 + WIRE_ENTRY_LENGTH * entries.length));
  wire.setUint32(0, WIRE_VERSION, true);
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    const at = 4 + WIRE_ENTRY_LENGTH * i;
    wire.setUint16(at, tag, true);
    wire.setUint16(at + 2, permissions, true);
    wire.setUint32(at + 4, id, true);
  }
  return new Uint8Array(wire.buffer);
}
