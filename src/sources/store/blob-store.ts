import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OnProgress } from '../../core/progress.ts';
import { counted } from '../byte-stream.ts';
import { type FileIdentity, identityOf } from '../identity.ts';
import { piecesOf } from '../pread.ts';
import { makeFolder, readIfPresent, removeIfPresent, writeWhole } from './cache-directory.ts';
import { noteUse } from './last-used.ts';
import type { StagingFile } from './staging-file.ts';

/** An uncompressed tar of ours, open. */
export interface OpenBlob {
  readonly fd: number;
  readonly identity: FileIdentity;
}

const HASH_PIECE_BYTES = 1024 * 1024;

/**
 * The cached tar with that diffID, or undefined. Beside each stands what its file looked like when its digest was
 * verified; one that looks otherwise is hashed again, and removed when it is damaged.
 */
export async function openCachedBlob(
  cache: string,
  diffId: string,
  onProgress: OnProgress,
): Promise<OpenBlob | undefined> {
  const path = blobPath(cache, diffId);
  const fd = openIfPresent(path);
  if (fd === undefined) return undefined;
  try {
    const identity = identityOf(fstatSync(fd, { bigint: true }));
    const verified = verifiedPath(cache, diffId);
    if (readIfPresent(verified)?.toString('latin1') === verifiedText(identity)) {
      noteUse(verified);
      return { fd, identity };
    }
    if ((await digestOf(fd, Number(identity.size), onProgress)) === diffId) {
      rememberVerified(cache, diffId, identity);
      return { fd, identity };
    }
    removeIfPresent(path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Gives a finished file its place in the cache, durably. Two processes may do so at once: their files are equal. */
export function publishBlob(cache: string, diffId: string, staged: StagingFile): void {
  const path = blobPath(cache, diffId);
  staged.sync();
  makeFolder(dirname(path));
  renameSync(staged.path, path);
  staged.renamed();
  syncDirectory(dirname(path));
  rememberVerified(cache, diffId, identityOf(fstatSync(staged.fd, { bigint: true })));
}

/** Removes what turned out to be no tar; a process that has it open keeps it. */
export function removeBlob(cache: string, diffId: string): void {
  removeIfPresent(blobPath(cache, diffId));
  removeIfPresent(verifiedPath(cache, diffId));
}

function blobPath(cache: string, diffId: string): string {
  return join(cache, 'blobs', ...diffId.split(':'));
}

function verifiedPath(cache: string, diffId: string): string {
  return join(cache, 'verified', ...diffId.split(':'));
}

function verifiedText({ ino, size, mtimeNs }: FileIdentity): string {
  return `${ino} ${size} ${mtimeNs}\n`;
}

function rememberVerified(cache: string, diffId: string, identity: FileIdentity): void {
  writeWhole(cache, verifiedPath(cache, diffId), verifiedText(identity));
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** The SHA-256 of all `size` bytes of a file, as a diffID has it. */
export async function digestOf(fd: number, size: number, onProgress: OnProgress): Promise<string> {
  const hash = createHash('sha256');
  const pieces = counted(piecesOf(fd, HASH_PIECE_BYTES), size, 'verifying', onProgress);
  for await (const piece of pieces) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
