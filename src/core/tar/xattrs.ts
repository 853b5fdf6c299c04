import { type ByteString, bytesOf, displayName } from '../bytes.ts';
import type { Xattr } from '../layer/entry.ts';
import { aclXattrValue } from './acl.ts';
import { XATTR_LIST_BYTES_MAX, XATTR_NAME_BYTES_MAX, XATTR_VALUE_BYTES_MAX } from './limits.ts';
import type { PaxState } from './pax.ts';
import type { TarPlace } from './place.ts';

const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';
const ACLS = [
  ['SCHILY.acl.access', 'system.posix_acl_access'],
  ['SCHILY.acl.default', 'system.posix_acl_default'],
] as const;

const NONE: readonly Xattr[] = [];

/**
 * The extended attributes of the next entry. `SCHILY.xattr.*` is binary and comes first; an ACL's text and libarchive's
 * base64 form count only for names without it. An empty value is an attribute of no bytes, as for GNU tar and libarchive.
 */
export function paxXattrs(pax: PaxState, place: TarPlace): readonly Xattr[] {
  if (pax.isEmpty) return NONE;
  const areAll = pax.xattrRecords === 'all';
  const values = new Map<ByteString, Uint8Array>();
  const encoded = new Map<ByteString, ByteString>();
  for (const [keyword, value] of pax.records()) {
    if (keyword.startsWith(SCHILY)) values.set(keyword.slice(SCHILY.length), bytesOf(value));
    else if (areAll && keyword.startsWith(LIBARCHIVE)) encoded.set(decodeUrl(keyword.slice(LIBARCHIVE.length)), value);
  }
  for (const [keyword, name] of areAll ? ACLS : []) {
    const text = pax.get(keyword);
    if (text !== undefined && !values.has(name)) values.set(name, aclXattrValue(text, place));
  }
  for (const [name, value] of encoded) if (!values.has(name)) values.set(name, decodeBase64(value, place));
  if (values.size === 0) return NONE;
  const xattrs = Array.from(values, ([name, value]) => ({ name, value }));
  checkXattrs(xattrs, place);
  return xattrs;
}

/** Throws the error of `place`, `name-invalid` or `limit-exceeded`, for attributes that no file can have. */
export function checkXattrs(xattrs: readonly Xattr[], place: Pick<TarPlace, 'error'>): void {
  let listLength = 0;
  for (const { name, value } of xattrs) {
    const shown = displayName(name, 40);
    if (name === '' || name.indexOf('.') === name.length - 1 || name.includes('\0')) {
      throw place.error('name-invalid', `an extended attribute with the name "${shown}"`);
    }
    check(`the name ${shown}`, name.length, XATTR_NAME_BYTES_MAX, place);
    check(`the attribute ${shown}`, value.length, XATTR_VALUE_BYTES_MAX, place);
    listLength += name.length + 1;
  }
  check('the list of attributes', listLength, XATTR_LIST_BYTES_MAX, place);
}

function check(what: string, length: number, max: number, place: Pick<TarPlace, 'error'>): void {
  if (length > max) throw place.error('limit-exceeded', `${what} has ${length} bytes, at most ${max} are possible`);
}

/** libarchive's names: `%` and two hexadecimal digits for every byte that is not plain. */
function decodeUrl(text: ByteString): ByteString {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 base64; the padding may be missing, as libarchive leaves it out. */
function decodeBase64(text: ByteString, place: TarPlace): Uint8Array {
  const digits = text.replace(/={0,2}$/, '');
  const malformed = 'an extended attribute that is not base64';
  if (digits.length % 4 === 1) throw place.error('layer-corrupt', malformed);
  const value = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    const six = BASE64.indexOf(digit);
    if (six < 0) throw place.error('layer-corrupt', malformed);
    bits = ((bits << 6) | six) & 0xfff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    value[at++] = bits >> held;
  }
  return value;
}
