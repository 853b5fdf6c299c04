import type { JsonValue } from '../oci/json.ts';
import { readFlag } from './options.ts';

/** Files that a definition describes in place, by their path in the image, in order. */
export type LockedFiles = Readonly<Record<string, LockedEntry>>;

/** What an entry is, exactly one of these. Bytes are in base64. */
export type LockedContent =
  | { readonly text: string }
  | { readonly base64: string }
  | LockedFile
  | { readonly symlink: string }
  | { readonly hardLink: string }
  | { readonly directory: true; readonly opaque?: true }
  | { readonly characterDevice: readonly [number, number] }
  | { readonly blockDevice: readonly [number, number] }
  | { readonly fifo: true }
  | { readonly remove: true };

/** A file of the host, and what it has. */
export interface LockedFile {
  /** Its path. */
  readonly file: string;
  /** `sha256:HEX`. */
  readonly digest: string;
}

/** One entry, and its attributes where they were given. */
export type LockedEntry = LockedContent & {
  /** Four octal digits. */
  readonly mode?: string;
  /** `UID:GID`. */
  readonly owner?: string;
  /** Seconds since 1970. */
  readonly mtime?: number;
  /** By full name, in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
};

const ENTRIES_MAX = 65_536;
const XATTRS_MAX = 1024;
const TEXT_LENGTH_MAX = 64 * 1024 * 1024;
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;
const DEVICE_NUMBER_MAX = 2 ** 32 - 1;
const ATTRIBUTES = ['mode', 'owner', 'mtime', 'xattrs'];

/** By the key that says what an entry is: what reads that, and the keys beside it. */
const CONTENTS: Readonly<
  Record<string, { readonly read: (json: JsonValue) => LockedContent; readonly keys?: readonly string[] }>
> = {
  text: { read: (json) => ({ text: json.get('text').string(TEXT_LENGTH_MAX) }) },
  base64: { read: (json) => ({ base64: readBase64(json.get('base64')) }) },
  file: { read: readLockedFile, keys: ['digest'] },
  symlink: { read: (json) => ({ symlink: json.get('symlink').string() }) },
  hardLink: { read: (json) => ({ hardLink: json.get('hardLink').string() }) },
  directory: {
    read: (json) => ({ directory: readTrue(json.get('directory')), ...readFlag(json, 'opaque') }),
    keys: ['opaque'],
  },
  characterDevice: { read: (json) => ({ characterDevice: readDevice(json.get('characterDevice')) }) },
  blockDevice: { read: (json) => ({ blockDevice: readDevice(json.get('blockDevice')) }) },
  fifo: { read: (json) => ({ fifo: readTrue(json.get('fifo')) }) },
  remove: { read: (json) => ({ remove: readTrue(json.get('remove')) }) },
};

/** Throws the error of `json` for what has another form. */
export function readLockedFiles(json: JsonValue): LockedFiles {
  return Object.fromEntries(json.members(ENTRIES_MAX).map(([path, entry]) => [path, readEntry(entry)]));
}

/** The same of `file` and `digest` among the members of an object. */
export function readLockedFile(json: JsonValue): LockedFile {
  return { file: json.get('file').string(), digest: json.get('digest').matching(/^sha256:[\da-f]{64}$/, 'sha256:HEX') };
}

function readEntry(json: JsonValue): LockedEntry {
  const found = Object.keys(CONTENTS).filter((key) => json.get(key).isPresent);
  if (found.length !== 1) {
    throw json.invalid(`one of ${Object.keys(CONTENTS).join(', ')}`, found.slice(0, 2).join(' and ') || 'none');
  }
  const { read, keys = [] } = CONTENTS[found[0]!]!;
  json.allowOnly([...found, ...keys, ...ATTRIBUTES]);
  const [mode, owner, mtime, xattrs] = [json.get('mode'), json.get('owner'), json.get('mtime'), json.get('xattrs')];
  return {
    ...read(json),
    ...(mode.isPresent ? { mode: mode.matching(/^[0-7]{4}$/, 'four octal digits') } : {}),
    ...(owner.isPresent ? { owner: owner.matching(/^\d{1,10}:\d{1,10}$/, 'UID:GID') } : {}),
    ...(mtime.isPresent ? { mtime: readTime(mtime) } : {}),
    ...(xattrs.isPresent
      ? { xattrs: Object.fromEntries(xattrs.members(XATTRS_MAX).map(([name, value]) => [name, readBase64(value)])) }
      : {}),
  };
}

function readTime(json: JsonValue): number {
  const seconds = json.optionalNumber();
  if (seconds === undefined) throw json.invalid('seconds since 1970');
  return seconds;
}

function readBase64(json: JsonValue): string {
  const digits = json.string(TEXT_LENGTH_MAX);
  if (!BASE64.test(digits)) throw json.invalid('base64');
  return digits;
}

function readTrue(json: JsonValue): true {
  if (json.optionalBoolean() !== true) throw json.invalid('true');
  return true;
}

function readDevice(json: JsonValue): readonly [number, number] {
  const numbers = json.elements(2).map((number) => number.integer(0, DEVICE_NUMBER_MAX));
  if (numbers.length !== 2) throw json.invalid('a major and a minor number');
  return numbers as [number, number];
}
