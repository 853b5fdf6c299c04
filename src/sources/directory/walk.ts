import { accessSync, type BigIntStats, constants, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { type ByteString, bytesOf, displayName } from '../../core/bytes.ts';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { EntryType, type LayerEntry } from '../../core/layer/entry.ts';
import { FILE_BYTES_MAX } from '../../core/tar/limits.ts';
import { errnoOf, sourceFailure } from '../failure.ts';
import { deviceNumbers, entryTypeOf, modeOf, mtimeOf } from './metadata.ts';

/** One entry of a directory tree, and what lstat said about it. */
export interface WalkedEntry {
  readonly entry: LayerEntry;
  readonly stats: BigIntStats;
}

const NO_XATTRS: LayerEntry['xattrs'] = [];

/**
 * The tree below `root`, itself first, a directory before its children, children in byte order of their names. Hard
 * links after the first become `hardLink` entries; `dataOffset` counts the files' bytes in this order. Extended
 * attributes are not read: Node has no call for them. Mount points are crossed.
 */
export function* walkDirectory(
  root: Buffer,
  keepPermissions: boolean,
  context: ImageErrorContext,
): Generator<WalkedEntry> {
  const firstPaths = new Map<string, ByteString>();
  const pending: ByteString[] = [''];
  let dataOffset = 0;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const place = { ...context, path: displayName(path) };
    const hostPath = joinHostPath(root, path);
    const stats = look(hostPath, path === '', place);
    const firstPath = stats.isDirectory() ? undefined : linkedBefore(stats, path, firstPaths);
    const entry = makeEntry(path, firstPath, stats, dataOffset, hostPath, keepPermissions, place);
    if (entry.size > 0) checkReadable(hostPath, place);
    dataOffset += entry.size;
    yield { entry, stats };
    if (stats.isDirectory()) pushChildren(pending, path, listNames(hostPath, place));
  }
}

/** The path on the host of the entry `path`. */
export function joinHostPath(root: Buffer, path: ByteString): Buffer {
  return path === '' ? root : Buffer.concat([root, bytesOf(`/${path}`)]);
}

/** The root may be named through a symlink, as on any command line; nothing below it is followed. */
function look(hostPath: Buffer, isRoot: boolean, place: ImageErrorContext): BigIntStats {
  try {
    return isRoot ? statSync(hostPath, { bigint: true }) : lstatSync(hostPath, { bigint: true });
  } catch (error) {
    throw walkFailure(error, place);
  }
}

function listNames(hostPath: Buffer, place: ImageErrorContext): ByteString[] {
  try {
    // Latin-1 makes a character of every byte, which is what a byte string is.
    return readdirSync(hostPath, { encoding: 'latin1' });
  } catch (error) {
    throw walkFailure(error, place);
  }
}

/** Last first, because the last one pushed is the next one walked. */
function pushChildren(pending: ByteString[], path: ByteString, names: ByteString[]): void {
  names.sort((a, b) => (a < b ? 1 : -1));
  const prefix = path === '' ? '' : `${path}/`;
  for (const name of names) pending.push(prefix + name);
}

function linkedBefore(stats: BigIntStats, path: ByteString, seen: Map<string, ByteString>): ByteString | undefined {
  if (stats.nlink <= 1n) return undefined;
  const key = `${stats.dev} ${stats.ino}`;
  const firstPath = seen.get(key);
  if (firstPath === undefined) seen.set(key, path);
  return firstPath;
}

function makeEntry(
  path: ByteString,
  firstPath: ByteString | undefined,
  stats: BigIntStats,
  dataOffset: number,
  hostPath: Buffer,
  keepPermissions: boolean,
  place: ImageErrorContext,
): LayerEntry {
  const type = firstPath === undefined ? entryTypeOf(stats) : EntryType.hardLink;
  const size = type === EntryType.file ? fileSize(stats, place) : 0;
  return {
    type,
    path,
    linkPath: type === EntryType.symlink ? readTarget(hostPath, place) : (firstPath ?? ''),
    mode: modeOf(stats, keepPermissions),
    uid: keepPermissions ? Number(stats.uid) : 0,
    gid: keepPermissions ? Number(stats.gid) : 0,
    ...mtimeOf(stats),
    size,
    dataOffset,
    ...deviceNumbers(type, stats, place),
    xattrs: NO_XATTRS,
    headerOffset: 0,
  };
}

function fileSize({ size }: BigIntStats, place: ImageErrorContext): number {
  if (size > BigInt(FILE_BYTES_MAX)) {
    throw new ImageError('limit-exceeded', `the file has ${size} bytes, at most ${FILE_BYTES_MAX} fit ext4`, place);
  }
  return Number(size);
}

function readTarget(hostPath: Buffer, place: ImageErrorContext): ByteString {
  try {
    return readlinkSync(hostPath, { encoding: 'latin1' });
  } catch (error) {
    throw walkFailure(error, place);
  }
}

/** A file that cannot be read should stop the plan, not the serving of it. */
function checkReadable(hostPath: Buffer, place: ImageErrorContext): void {
  try {
    accessSync(hostPath, constants.R_OK);
  } catch (error) {
    throw walkFailure(error, place);
  }
}

/** What was listed a moment ago and is gone, or is something else, changed under the walk. */
function walkFailure(error: unknown, place: ImageErrorContext): unknown {
  const errno = errnoOf(error);
  const gone = errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EINVAL';
  if (!gone || place.path === '') return sourceFailure(error, place);
  return new ImageError('layer-changed', 'it changed while the directory was walked', place, { cause: error });
}
