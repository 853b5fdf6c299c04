import type { ByteString } from '../bytes.ts';
import { OWNER_MAX } from './limits.ts';
import { decimalNumber } from './number.ts';
import type { TarPlace } from './place.ts';

/** The tags of include/uapi/linux/posix_acl.h, for an entry without a name and for one with. */
const TAGS: Readonly<Record<string, { readonly plain: number; readonly named?: number }>> = {
  user: { plain: 0x01, named: 0x02 },
  u: { plain: 0x01, named: 0x02 },
  group: { plain: 0x04, named: 0x08 },
  g: { plain: 0x04, named: 0x08 },
  mask: { plain: 0x10 },
  m: { plain: 0x10 },
  other: { plain: 0x20 },
  o: { plain: 0x20 },
};

const USER = 0x02;
const GROUP = 0x08;
const MASK = 0x10;
const VERSION = 2;
const ID_UNDEFINED = 0xffffffff;

interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

/**
 * An ACL's text as the value of `system.posix_acl_*`: struct posix_acl_xattr_header and entries, version 2,
 * little-endian. The text is GNU tar's (a line an entry, effective rights as comments) or star's and bsdtar's (commas,
 * a numeric id as fourth field). Throws `layer-unsupported` for a name without a number, `layer-corrupt` for no ACL.
 */
export function aclXattrValue(text: ByteString, place: TarPlace): Uint8Array {
  const entries: AclEntry[] = [];
  for (const line of text.split(/[\n,]/)) {
    const entry = line.split('#', 1)[0]?.trim() ?? '';
    if (entry !== '') entries.push(parseEntry(entry, place));
  }
  // The kernel's order; it refuses any other.
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  checkEntries(entries, place);
  const value = new Uint8Array(4 + 8 * entries.length);
  const view = new DataView(value.buffer);
  view.setUint32(0, VERSION, true);
  entries.forEach(({ tag, permissions, id }, i) => {
    view.setUint16(4 + 8 * i, tag, true);
    view.setUint16(6 + 8 * i, permissions, true);
    view.setUint32(8 + 8 * i, id, true);
  });
  return value;
}

function parseEntry(text: ByteString, place: TarPlace): AclEntry {
  const fields = text.split(':').map((field) => field.trim());
  const [kind = '', name = ''] = fields;
  const tags = Object.hasOwn(TAGS, kind) ? TAGS[kind] : undefined;
  if (tags === undefined) throw malformed(place);
  // Solaris' form leaves out the empty name: other:r-x
  const [rights = '', numericId] = fields.length === 2 && tags.named === undefined ? [name] : fields.slice(2);
  const permissions = parseRights(rights);
  if (permissions === undefined || fields.length > 4) throw malformed(place);
  if (name === '' || fields.length === 2) return { tag: tags.plain, permissions, id: ID_UNDEFINED };
  if (tags.named === undefined) throw malformed(place);
  const id = decimalNumber(numericId ?? '') ?? decimalNumber(name);
  if (id === undefined) {
    const what =
      'an ACL that names a user or group without its number; make the tar with tar --xattrs, which keeps numbers';
    throw place.error('layer-unsupported', what);
  }
  if (id < 0 || id > OWNER_MAX)
    throw place.error('limit-exceeded', `an ACL for the id ${id}, at most ${OWNER_MAX} is possible`);
  return { tag: tags.named, permissions, id };
}

function parseRights(text: ByteString): number | undefined {
  const rights = /^([r-])([w-])([x-])$/.exec(text);
  if (rights === null) return undefined;
  return (rights[1] === 'r' ? 4 : 0) + (rights[2] === 'w' ? 2 : 0) + (rights[3] === 'x' ? 1 : 0);
}

/** The kernel's posix_acl_valid: owner, group and other once each, and a mask when a user or group is named. */
function checkEntries(entries: readonly AclEntry[], place: TarPlace): void {
  const counts = new Map<number, number>();
  for (const { tag } of entries) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const isNamed = counts.has(USER) || counts.has(GROUP);
  const masks = counts.get(MASK) ?? 0;
  const isOnce = [0x01, 0x04, 0x20].every((tag) => counts.get(tag) === 1);
  if (!isOnce || masks > 1 || (isNamed && masks === 0)) throw malformed(place);
}

function malformed(place: TarPlace): Error {
  return place.error('layer-corrupt', 'an ACL that is not one, expected user::rwx,group::rwx,other::rwx and more');
}
