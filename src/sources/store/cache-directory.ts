import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { errnoOf } from '../failure.ts';

/** A name in `staging` this long untouched belongs to a process that was killed. */
export const STALE_MILLISECONDS = 60 * 60 * 1000;

/** https://bford.info/cachedir/: tells backups to leave the directory out. */
const CACHEDIR_TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# Made by blockloom; it may be removed.\n';

/** `$XDG_CACHE_HOME/blockloom`, else `~/.cache/blockloom`; undefined for a user without a home. */
export function defaultCacheDirectory(): string | undefined {
  const base = process.env['XDG_CACHE_HOME'];
  // The XDG specification says that a relative path is to be ignored.
  if (base !== undefined && isAbsolute(base)) return join(base, 'blockloom');
  try {
    return join(homedir(), '.cache', 'blockloom');
  } catch {
    return undefined;
  }
}

/** Makes the cache and the directory in it for unfinished files, and removes what killed processes left there. */
export function prepareStaging(cache: string): string {
  const staging = join(cache, 'staging');
  makeFolder(staging);
  writeTag(join(cache, 'CACHEDIR.TAG'));
  const oldest = Date.now() - STALE_MILLISECONDS;
  for (const name of readdirSync(staging)) removeOlder(join(staging, name), oldest);
  return staging;
}

/** Makes a folder for this user, and those above it. Node's own way has no end where a folder cannot be made in one that is there. */
export function makeFolder(path: string): void {
  if (madeFolder(path)) return;
  makeFolder(dirname(path));
  // Another process may have made it meanwhile.
  madeFolder(path);
}

/** Whether it is there now; throws when it cannot be made for another reason than the lack of the folder above. */
function madeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return true;
    if (errno !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error;
    return false;
  }
}

/** Writes a small file so that others see all of it or nothing; what it holds has to show when a crash cut it. */
export function writeWhole(cache: string, path: string, content: Uint8Array | string): void {
  const unfinished = join(prepareStaging(cache), randomBytes(16).toString('hex'));
  makeFolder(dirname(path));
  try {
    writeFileSync(unfinished, content, { mode: 0o600, flag: 'wx' });
    renameSync(unfinished, path);
  } catch (error) {
    removeIfPresent(unfinished);
    throw error;
  }
}

/** The file's bytes; undefined when it cannot be read, for whatever reason. */
export function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

export function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function writeTag(path: string): void {
  try {
    writeFileSync(path, CACHEDIR_TAG, { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

function removeOlder(path: string, oldest: number): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && stats.mtimeMs < oldest) removeIfPresent(path);
}
