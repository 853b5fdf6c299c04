import type { ByteString } from '../bytes.ts';
import { EntryType, type LayerEntry } from '../layer/entry.ts';
import { normalizePath } from '../layer/path.ts';
import { Header, type HeaderForm, headerField, headerText } from './header.ts';
import { DEVICE_MAJOR_MAX, DEVICE_MINOR_MAX, FILE_BYTES_MAX, OWNER_MAX, SYMLINK_BYTES_MAX } from './limits.ts';
import { decimalNumber, paxTime, type TarTime } from './number.ts';
import type { PaxState } from './pax.ts';
import type { TarPlace } from './place.ts';
import { paxXattrs } from './xattrs.ts';

/** Everything that says what an entry is, but for its body. */
export interface EntryParts {
  readonly header: Uint8Array;
  readonly form: HeaderForm;
  readonly type: EntryType;
  /** As in the tar, before it is normalized. */
  readonly name: ByteString;
  /** From a GNU `K` header. */
  readonly longLink: ByteString | undefined;
  readonly pax: PaxState;
  readonly place: TarPlace;
}

/** The entry of those parts, with every number and name checked; a file is taken as not sparse. */
export function makeEntry(parts: EntryParts, size: number, dataOffset: number): LayerEntry {
  const { header, type, name, pax, place } = parts;
  if (name === '') throw place.error('name-invalid', 'an entry without a name');
  const mtime = modificationTime(header, pax, place);
  const isDevice = type === EntryType.characterDevice || type === EntryType.blockDevice;
  return {
    type,
    path: normalizePath(name, place),
    linkPath: type === EntryType.symlink || type === EntryType.hardLink ? linkPath(parts) : '',
    mode: headerField(header, Header.mode, place) & 0o7777,
    uid: owner(header, Header.uid, pax, place),
    gid: owner(header, Header.gid, pax, place),
    mtimeSeconds: mtime.seconds,
    mtimeNanoseconds: mtime.nanoseconds,
    size: type === EntryType.file ? size : 0,
    dataOffset,
    segments: undefined,
    deviceMajor: isDevice ? device(parts, Header.devmajor, 'SCHILY.devmajor', DEVICE_MAJOR_MAX) : 0,
    deviceMinor: isDevice ? device(parts, Header.devminor, 'SCHILY.devminor', DEVICE_MINOR_MAX) : 0,
    xattrs: paxXattrs(pax, place),
    headerOffset: place.offset,
  };
}

/** How many bytes the tar stores for an entry, before padding. */
export function storedSize(header: Uint8Array, pax: PaxState, place: TarPlace): number {
  const size = paxNumber(pax, 'size', place) ?? headerField(header, Header.size, place);
  if (size < 0) throw place.error('layer-corrupt', `a size of ${size} bytes`);
  if (size <= FILE_BYTES_MAX) return size;
  throw place.error('limit-exceeded', `a file of ${size} bytes, at most ${FILE_BYTES_MAX} are supported`);
}

function linkPath({ header, type, longLink, pax, place }: EntryParts): ByteString {
  const target = longLink ?? pax.get('linkpath') ?? headerText(header, Header.linkname);
  if (type === EntryType.hardLink) {
    if (target === '') throw place.error('name-invalid', 'a hard link without a target');
    return normalizePath(target, place);
  }
  if (target === '') throw place.error('name-invalid', 'a symlink without a text');
  if (target.length > SYMLINK_BYTES_MAX) {
    throw place.error(
      'limit-exceeded',
      `a symlink of ${target.length} bytes, at most ${SYMLINK_BYTES_MAX} are possible`,
    );
  }
  if (target.includes('\0')) throw place.error('name-invalid', 'a symlink whose text holds a NUL');
  return target;
}

function owner(
  header: Uint8Array,
  field: typeof Header.uid | typeof Header.gid,
  pax: PaxState,
  place: TarPlace,
): number {
  const id = paxNumber(pax, field.name, place) ?? headerField(header, field, place);
  return ranged(id, field.name, OWNER_MAX, place);
}

function device(
  { header, form, pax, place }: EntryParts,
  field: typeof Header.devmajor | typeof Header.devminor,
  keyword: ByteString,
  max: number,
): number {
  const number = paxNumber(pax, keyword, place) ?? (form === 'v7' ? 0 : headerField(header, field, place));
  return ranged(number, field.name, max, place);
}

function ranged(value: number, name: string, max: number, place: TarPlace): number {
  if (value >= 0 && value <= max) return value;
  throw place.error('limit-exceeded', `a ${name} of ${value}, 0 to ${max} are possible`);
}

function modificationTime(header: Uint8Array, pax: PaxState, place: TarPlace): TarTime {
  const text = pax.get('mtime');
  if (text === undefined) return { seconds: headerField(header, Header.mtime, place), nanoseconds: 0 };
  const time = paxTime(text);
  if (time === undefined) throw place.error('layer-corrupt', 'its PAX mtime is not a decimal number');
  return time;
}

function paxNumber(pax: PaxState, keyword: ByteString, place: TarPlace): number | undefined {
  const text = pax.get(keyword);
  if (text === undefined) return undefined;
  const value = decimalNumber(text);
  if (value === undefined) throw place.error('layer-corrupt', `its PAX ${keyword} is not a decimal number`);
  return value;
}
