import { type ByteString, displayName, utf8ByteString } from '../../core/bytes.ts';
import { ImageError, type ImageErrorCode, type ImageErrorContext } from '../../core/errors.ts';
import { EntryType, type LayerEntry, type Xattr } from '../../core/layer/entry.ts';
import { DEVICE_MAJOR_MAX, DEVICE_MINOR_MAX, OWNER_MAX, SYMLINK_BYTES_MAX } from '../../core/tar/limits.ts';
import { checkXattrs } from '../../core/tar/xattrs.ts';
import { imagePath, type InlineEntry } from './inline-files.ts';

/** A file's bytes, as they are counted in the layer's data. */
export interface InlineData {
  readonly size: number;
  readonly dataOffset: number;
  /** Whether it is a program, when the entry does not tell its mode. */
  readonly isExecutable: boolean;
}

const OPAQUE = '.wh..wh..opq';
const NONE = { linkPath: '', size: 0, dataOffset: 0, deviceMajor: 0, deviceMinor: 0 } as const;

/** The entries of a layer that an inline entry stands for: itself, or a whiteout, or a directory and its opaque marker. */
export function* layerEntries(
  path: ByteString,
  entry: InlineEntry,
  data: InlineData | undefined,
  place: ImageErrorContext,
): Generator<LayerEntry> {
  const fail = (code: ImageErrorCode, what: string): ImageError => new ImageError(code, what, place);
  if (path === '' && !('directory' in entry)) throw fail('option-invalid', 'the root can only be a directory');
  const attributes = attributesOf(entry, data?.isExecutable ?? false, fail);
  if ('remove' in entry) return yield { ...NONE, ...attributes, type: EntryType.file, path: whiteout(path) };
  yield { ...NONE, ...attributes, path, ...contentOf(entry, data, fail) };
  if ('directory' in entry && entry.opaque === true) {
    yield {
      ...NONE,
      ...attributes,
      type: EntryType.file,
      path: path === '' ? OPAQUE : `${path}/${OPAQUE}`,
      xattrs: [],
    };
  }
}

/** Throws ImageError for an entry that no layer can have. */
export function checkEntry(path: string, entry: InlineEntry): void {
  Array.from(layerEntries(imagePath(path), entry, undefined, {}));
}

function whiteout(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

type Fail = (code: ImageErrorCode, what: string) => ImageError;

function contentOf(
  entry: InlineEntry,
  data: InlineData | undefined,
  fail: Fail,
): Pick<LayerEntry, 'type'> & Partial<LayerEntry> {
  if ('directory' in entry) return { type: EntryType.directory };
  if ('fifo' in entry) return { type: EntryType.fifo };
  if ('characterDevice' in entry) return { type: EntryType.characterDevice, ...device(entry.characterDevice, fail) };
  if ('blockDevice' in entry) return { type: EntryType.blockDevice, ...device(entry.blockDevice, fail) };
  if ('hardLink' in entry) return { type: EntryType.hardLink, linkPath: imagePath(entry.hardLink) };
  if ('symlink' in entry) return { type: EntryType.symlink, linkPath: target(entry.symlink, fail) };
  return { type: EntryType.file, size: data?.size ?? 0, dataOffset: data?.dataOffset ?? 0 };
}

function attributesOf(
  entry: InlineEntry,
  isExecutable: boolean,
  fail: Fail,
): Pick<LayerEntry, 'mode' | 'uid' | 'gid' | 'mtimeSeconds' | 'mtimeNanoseconds' | 'xattrs' | 'headerOffset'> {
  const { mode = defaultMode(entry, isExecutable), owner: { uid, gid } = { uid: 0, gid: 0 }, mtime } = entry;
  whole(mode, 0o7777, 'a mode', fail);
  whole(uid, OWNER_MAX, 'an owner', fail);
  whole(gid, OWNER_MAX, 'a group', fail);
  const seconds = mtime === undefined ? Number.NaN : Math.floor(mtime);
  const nanoseconds = mtime === undefined ? 0 : Math.round((mtime - seconds) * 1000) * 1_000_000;
  return {
    mode,
    uid,
    gid,
    // Milliseconds are what such a number holds exactly; the last may round up to a second.
    mtimeSeconds: nanoseconds === 1_000_000_000 ? seconds + 1 : seconds,
    mtimeNanoseconds: nanoseconds % 1_000_000_000,
    xattrs: xattrsOf(entry, fail),
    headerOffset: 0,
  };
}

function defaultMode(entry: InlineEntry, isExecutable: boolean): number {
  if ('symlink' in entry) return 0o777;
  return 'directory' in entry || isExecutable ? 0o755 : 0o644;
}

function xattrsOf({ xattrs = {} }: InlineEntry, fail: Fail): Xattr[] {
  const list = Object.entries(xattrs).map(([name, value]) => ({
    name: utf8ByteString(name),
    value: typeof value === 'string' ? new TextEncoder().encode(value) : value,
  }));
  checkXattrs(list, { error: fail });
  return list;
}

function device(
  [major, minor]: readonly [number, number],
  fail: Fail,
): Pick<LayerEntry, 'deviceMajor' | 'deviceMinor'> {
  whole(major, DEVICE_MAJOR_MAX, 'a major number', fail);
  whole(minor, DEVICE_MINOR_MAX, 'a minor number', fail);
  return { deviceMajor: major, deviceMinor: minor };
}

function target(text: string, fail: Fail): ByteString {
  const bytes = utf8ByteString(text);
  if (bytes === '' || bytes.includes('\0')) throw fail('name-invalid', `a symlink to "${displayName(bytes, 40)}"`);
  if (bytes.length <= SYMLINK_BYTES_MAX) return bytes;
  throw fail('limit-exceeded', `a symlink to ${bytes.length} bytes, at most ${SYMLINK_BYTES_MAX} are possible`);
}

function whole(value: number, max: number, name: string, fail: Fail): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw fail('limit-exceeded', `${name} of ${value}, 0 to ${max} are possible`);
}
