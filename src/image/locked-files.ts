import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { hexOf } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { LockedContent, LockedEntry, LockedFile, LockedFiles } from '../core/lock/files.ts';
import { sourceFailure } from '../sources/failure.ts';
import { checkEntry } from '../sources/inline/inline-entry.ts';
import type { InlineContent, InlineEntry, InlineFiles } from '../sources/inline/inline-files.ts';
import { sha256 } from './sha256.ts';

const PIECE_BYTES = 1024 * 1024;

/** A file of the host that is open, by its digest. Throws as reading it does. */
export async function lockFile(
  file: string,
  size: number,
  read: (position: number, target: Uint8Array) => Promise<void> | void,
): Promise<LockedFile> {
  const hash = sha256();
  for (let done = 0; done < size; done += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, size - done));
    await read(done, piece);
    hash.update(piece);
  }
  return { file, digest: `sha256:${hexOf(hash.digest())}` };
}

/** Files that are described in place, those of the host by their digests. Throws as reading these does. */
export async function lockFiles(files: InlineFiles): Promise<LockedFiles> {
  const locked: [string, LockedEntry][] = [];
  for (const [path, entry] of Object.entries(files)) locked.push([path, await lockEntry(entry)]);
  return Object.fromEntries(locked);
}

async function lockEntry(entry: InlineEntry): Promise<LockedEntry> {
  const { mode, owner, mtime, xattrs } = entry;
  return {
    ...(await lockContent(entry)),
    ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, '0') }),
    ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(xattrs === undefined
      ? {}
      : { xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, base64(value)])) }),
  };
}

async function lockContent(entry: InlineContent): Promise<LockedContent> {
  if ('text' in entry) return { text: entry.text };
  if ('bytes' in entry) return { base64: base64(entry.bytes) };
  if ('file' in entry) return { file: entry.file, digest: await digestOf(entry.file) };
  if ('directory' in entry) return { directory: true, ...(entry.opaque === true ? { opaque: true } : {}) };
  if ('symlink' in entry) return { symlink: entry.symlink };
  if ('hardLink' in entry) return { hardLink: entry.hardLink };
  if ('characterDevice' in entry) return { characterDevice: entry.characterDevice };
  if ('blockDevice' in entry) return { blockDevice: entry.blockDevice };
  return 'fifo' in entry ? { fifo: true } : { remove: true };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw sourceFailure(error, { reference: path });
  }
  return `sha256:${hash.digest('hex')}`;
}

const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64');

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** The reverse. Throws `lock-invalid` for what no layer can have. */
export function unlockFiles(files: LockedFiles): InlineFiles {
  return Object.fromEntries(Object.entries(files).map(([path, entry]) => [path, unlockEntry(path, entry)]));
}

function unlockEntry(path: string, { mode, owner, mtime, xattrs, ...content }: LockedEntry): InlineEntry {
  const [uid = 0, gid = 0] = owner?.split(':').map(Number) ?? [];
  const entry: InlineEntry = {
    ...unlockContent(content as LockedContent),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
    ...(owner === undefined ? {} : { owner: { uid, gid } }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(xattrs === undefined
      ? {}
      : { xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, bytesOf(value)])) }),
  };
  try {
    checkEntry(path, entry);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError('lock-invalid', `the lock has a file that no layer can have: ${error.message}`);
  }
  return entry;
}

function unlockContent(content: LockedContent): InlineContent {
  if ('base64' in content) return { bytes: bytesOf(content.base64) };
  return 'file' in content ? { file: content.file } : content;
}
