import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { decodeLayerIndex } from '../../core/layer/index-file.ts';
import type { OnProgress } from '../../core/progress.ts';
import { errnoOf } from '../failure.ts';
import { digestOf } from './blob-store.ts';
import { areHashesSound } from './hash-store.ts';
import { listStore, type Stored } from './listing.ts';

/** A file of the cache that is not what it should be. */
interface DamagedFile {
  readonly path: string;
  /** What is wrong, in a phrase. */
  readonly what: string;
}

/** What a verification found. */
export interface VerifiedStore {
  /** How many files were verified, the damaged ones included. */
  readonly files: number;
  readonly damaged: readonly DamagedFile[];
}

/** Reads every decompressed tar, every index and all hashes of a cache, and compares them with their digests and checksums. */
export async function verifyStore(
  cache: string,
  options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: OnProgress | undefined } = {},
): Promise<VerifiedStore> {
  const stored = listStore(cache).filter(({ kind }) => kind === 'layer' || kind === 'index' || kind === 'hashes');
  const files = stored.flatMap((item) =>
    item.paths.filter((path) => isVerifiable(item, path)).map((path) => ({ item, path })),
  );
  const total = stored.reduce((sum, { size }) => sum + size, 0);
  const damaged: DamagedFile[] = [];
  let bytesDone = 0;
  for (const [done, { item, path }] of files.entries()) {
    options.signal?.throwIfAborted();
    const told = (bytes: number): void =>
      options.onProgress?.({
        phase: 'verifying',
        bytes: { done: bytesDone + bytes, total },
        files: { done, total: files.length },
      });
    const { what, size } = await look(item, path, told, options.signal);
    if (what !== undefined) damaged.push({ path, what });
    bytesDone += size;
  }
  return { files: files.length, damaged };
}

/** The tar of a layer, its index and the hashes of its blocks have a digest; what is noted of them is checked when it is used. */
function isVerifiable({ kind, paths }: Stored, path: string): boolean {
  return kind !== 'layer' || path === paths[0] || path.includes('/index/') || path.includes('/verity/');
}

async function look(
  { kind, name, paths }: Stored,
  path: string,
  told: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ what: string | undefined; size: number }> {
  try {
    if (kind === 'layer' && path === paths[0]) return await lookAtTar(path, name, told, signal);
    const isSound = path.includes('/verity/')
      ? areHashesSound(path)
      : decodeLayerIndex(readFileSync(path)) !== undefined;
    return { what: isSound ? undefined : 'its checksum does not match', size: statSync(path).size };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    // Another process has removed it: nothing is wrong with what is not there.
    return { what: errno === 'ENOENT' ? undefined : `it cannot be read (${errno})`, size: 0 };
  }
}

async function lookAtTar(
  path: string,
  diffId: string,
  told: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ what: string | undefined; size: number }> {
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size;
    const found = await digestOf(fd, size, ({ bytes }) => {
      signal?.throwIfAborted();
      told(bytes?.done ?? 0);
    });
    return { what: found === diffId ? undefined : `it has the digest ${found}`, size };
  } finally {
    closeSync(fd);
  }
}
