import { displayName, type ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { DEFAULT_EPOCH } from '../tree/metadata.ts';
import { OWNER_MAX } from '../tar/limits.ts';

/** What a filter does with bits or nodes: keeps them, leaves them out, or refuses a fileset that has some. */
type Handling = 'keep' | 'ignore' | 'reject';

/** What becomes of the attributes of a fileset. */
export interface Filters {
  readonly uid: number | 'keep';
  readonly gid: number | 'keep';
  /** Seconds since 1970. */
  readonly mtime: number | 'keep';
  readonly sticky: 'keep' | 'ignore';
  /** Of the set-user-id and the set-group-id bit. */
  readonly setid: Handling;
  /** Of devices. */
  readonly dev: Handling;
}

/** Of Repeatr's inputs: all stays as it is. */
export const LOSSLESS: Filters = {
  uid: 'keep',
  gid: 'keep',
  mtime: 'keep',
  sticky: 'keep',
  setid: 'keep',
  dev: 'keep',
};
/** Of Repeatr's outputs. */
export const FLATTEN: Filters = { ...LOSSLESS, uid: 1000, gid: 1000, mtime: DEFAULT_EPOCH };
/** Of `rio pack`: what could not be unpacked again without privileges is refused. */
export const PACK_DEFAULTS: Filters = { ...FLATTEN, setid: 'reject', dev: 'reject' };
/** Of `rio scan`. */
export const SCAN_DEFAULTS: Filters = { ...LOSSLESS, setid: 'reject', dev: 'reject' };

/** Who unpacks: what `mine` stands for. */
export interface FilterHost {
  readonly uid: number;
  readonly gid: number;
}

/** Of `rio unpack`: what needs no privileges. */
export const unpackDefaults = ({ uid, gid }: FilterHost): Filters => ({ ...SCAN_DEFAULTS, uid, gid });

const MTIME = 'keep, @SECONDS or an RFC 3339 time';

/**
 * Reads `uid=0,mtime=keep` over defaults. Each of uid and gid is `keep` or a number; mtime `keep`, `@SECONDS` or an RFC 3339 time;
 * sticky `keep` or `ignore`; setid and dev one of these or `reject`. Where a `host` is given, which unpacks, `follow` is `keep`, and
 * `mine` an owner. `timeOf` reads an RFC 3339 time. Throws `option-invalid`.
 */
export function parseFilters(text: string, defaults: Filters, timeOf: TimeOf, host?: FilterHost): Filters {
  const pairs = text === '' ? [] : text.split(',').map((part) => part.trim());
  const members = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    if (equals < 0) throw invalid(pair, 'KEY=VALUE');
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return { ...defaults, ...filtersOf(members, timeOf, host) };
}

/** Seconds since 1970 of an RFC 3339 time; undefined for what is none. */
export type TimeOf = (text: string) => number | undefined;

/** The filters that are named. Throws `option-invalid`. */
export function filtersOf(
  members: readonly (readonly [key: string, value: string])[],
  timeOf: TimeOf,
  host?: FilterHost,
): Partial<Filters> {
  const given: { -readonly [K in keyof Filters]?: Filters[K] } = {};
  for (const [key, value] of members) {
    if (key === 'uid' || key === 'gid') given[key] = owner(key, value, host);
    else if (key === 'mtime') given.mtime = time(value, timeOf, host);
    else if (key === 'sticky') given.sticky = oneOf(key, value, ['keep', 'ignore'], host);
    else if (key === 'setid' || key === 'dev') given[key] = oneOf(key, value, ['keep', 'ignore', 'reject'], host);
    else throw invalid(key, 'uid, gid, mtime, sticky, setid or dev');
  }
  return given;
}

/** The words of filters in the form that Repeatr writes them in. */
export function filterWords(filters: Partial<Filters>): Readonly<Record<string, string>> {
  const words = Object.entries(filters).map(([key, value]): [string, string] => [
    key,
    key === 'mtime' && typeof value === 'number' ? `@${value}` : String(value),
  ]);
  return Object.fromEntries(words);
}

function owner(key: string, value: string, host: FilterHost | undefined): number | 'keep' {
  if (isKeep(value, host)) return 'keep';
  if (host !== undefined && value === 'mine') return key === 'uid' ? host.uid : host.gid;
  if (/^\d{1,10}$/.test(value) && Number(value) <= OWNER_MAX) return Number(value);
  throw invalid(`${key}=${value}`, `${host === undefined ? 'keep' : 'follow, mine'} or a number up to ${OWNER_MAX}`);
}

function time(value: string, timeOf: TimeOf, host: FilterHost | undefined): number | 'keep' {
  if (isKeep(value, host)) return 'keep';
  const seconds = /^@-?\d{1,12}$/.test(value) ? Number(value.slice(1)) : timeOf(value);
  if (seconds === undefined) throw invalid(`mtime=${value}`, MTIME);
  return seconds;
}

function oneOf<T extends Handling>(key: string, value: string, values: readonly T[], host: FilterHost | undefined): T {
  const word = isKeep(value, host) ? 'keep' : value;
  const found = values.find((each) => each === word);
  if (found === undefined) throw invalid(`${key}=${value}`, values.join(' or '));
  return found;
}

const isKeep = (value: string, host: FilterHost | undefined): boolean =>
  value === 'keep' || (host !== undefined && value === 'follow');

function invalid(found: string, expected: string): ImageError {
  return new ImageError('option-invalid', `filter ${JSON.stringify(found.slice(0, 80))}, expected ${expected}`);
}

/** What filters change of a node. */
export interface Filtered {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

const SETID = 0o6000;
const STICKY = 0o1000;

/** The node's attributes behind filters; undefined for a node that is left out. Throws `ware-filtered`. */
export function applyFilters<N extends Filtered & { readonly type: EntryType; readonly path: ByteString }>(
  node: N,
  { uid, gid, mtime, sticky, setid, dev }: Filters,
): N | undefined {
  const isDevice = node.type === EntryType.characterDevice || node.type === EntryType.blockDevice;
  if (isDevice && dev === 'reject') throw rejected(node.path, 'a device', 'dev');
  if (isDevice && dev === 'ignore') return undefined;
  if (setid === 'reject' && (node.mode & SETID) !== 0) throw rejected(node.path, 'a set-id bit', 'setid');
  const cleared = (sticky === 'ignore' ? STICKY : 0) | (setid === 'ignore' ? SETID : 0);
  return {
    ...node,
    mode: node.mode & ~cleared,
    uid: uid === 'keep' ? node.uid : uid,
    gid: gid === 'keep' ? node.gid : gid,
    ...(mtime === 'keep' ? {} : { mtimeSeconds: mtime, mtimeNanoseconds: 0 }),
  };
}

function rejected(path: ByteString, what: string, key: string): ImageError {
  return new ImageError('ware-filtered', `${what}, which the filter ${key}=reject refuses`, {
    path: displayName(path),
  });
}
