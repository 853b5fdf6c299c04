import { ImageError } from '../errors.ts';
import { JsonValue } from '../oci/json.ts';
import { type LockedDisk, readLockedDisk } from './disk.ts';
import { type LockedOptions, readLockedOptions } from './options.ts';
import { type LockedReference, readLockedReferences } from './reference.ts';

/** What an image came from, and what it was. */
export interface Lock {
  readonly formatVersion: number;
  readonly options: LockedOptions;
  /** Of the layers of the filesystem, bottom first. */
  readonly references: readonly LockedReference[];
  /** What the filesystem is in. */
  readonly disk?: LockedDisk;
  readonly result: {
    /** `sha256:HEX` of the tree's description. */
    readonly tree: string;
    /** The filesystem's, or the volume id of FAT; only where it has one. */
    readonly uuid?: string | undefined;
    /** In bytes. */
    readonly size: number;
    /** In hexadecimal. */
    readonly sha256: string;
  };
}

/** The longest lock file that is read, in bytes. */
export const LOCK_BYTES_MAX = 16 * 1024 * 1024;
const LOCK_VERSION = 1;
/** A UUID, or the volume id of FAT. */
const UUID = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\dA-F]{4}-[\dA-F]{4})$/;
const FORMAT_VERSION_MAX = 1_000_000;

/** The text of a lock file. Throws `limit-exceeded` for one that would not be read. */
export function encodeLock({ formatVersion, options, references, disk, result }: Lock): string {
  const lock = { 'blockloom-lock': LOCK_VERSION, formatVersion, options, references, disk, result };
  const text = `${JSON.stringify(lock, null, 2)}\n`;
  const { length } = new TextEncoder().encode(text);
  if (length <= LOCK_BYTES_MAX) return text;
  const what = `a lock of ${length} bytes, at most ${LOCK_BYTES_MAX} are read: large contents belong into files of their own`;
  throw new ImageError('limit-exceeded', what);
}

/** Reads a lock file, which `name` names in errors. Throws `lock-invalid`. */
export function decodeLock(bytes: Uint8Array, name: string): Lock {
  const json = JsonValue.parse(bytes, name, LOCK_BYTES_MAX, 'lock-invalid');
  json.get('blockloom-lock').oneOf([LOCK_VERSION]);
  json.allowOnly(['blockloom-lock', 'formatVersion', 'options', 'references', 'disk', 'result']);
  const disk = json.get('disk');
  return {
    formatVersion: json.get('formatVersion').integer(1, FORMAT_VERSION_MAX),
    options: readLockedOptions(json.get('options')),
    references: readLockedReferences(json.get('references')),
    ...(disk.isPresent ? { disk: readLockedDisk(disk) } : {}),
    result: readResult(json.get('result')),
  };
}

function readResult(json: JsonValue): Lock['result'] {
  json.allowOnly(['tree', 'uuid', 'size', 'sha256']);
  const uuid = json.get('uuid');
  return {
    tree: json.get('tree').matching(/^sha256:[\da-f]{64}$/, 'sha256:HEX'),
    ...(uuid.isPresent ? { uuid: uuid.matching(UUID, 'a UUID') } : {}),
    size: json.get('size').size(),
    sha256: json.get('sha256').matching(/^[\da-f]{64}$/, '64 hexadecimal digits'),
  };
}
