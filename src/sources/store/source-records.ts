import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type FileIdentity, identityText } from '../identity.ts';
import { readIfPresent, writeWhole } from './cache-directory.ts';
import { noteUse } from './last-used.ts';

const DIFF_ID = /^sha256:[0-9a-f]{64}$/;

/**
 * What is recorded of a source: `sources`, that a compressed file was decompressed into the cache; `in-place`, that a plain
 * tar was digested where it is, alone or in a larger file.
 */
export type RecordKind = 'sources' | 'in-place';

/** A name for the file at `realPath` as it is now: changed in any way, it has another. */
export function sourceKey(realPath: string, identity: FileIdentity): string {
  return createHash('sha256')
    .update(`${realPath}\0${identityText(identity)}`)
    .digest('hex');
}

/** The diffID of the source of that key, where it is recorded. */
export function recordedDiffId(cache: string, kind: RecordKind, key: string): string | undefined {
  const path = join(cache, kind, key);
  const record = readRecord(path);
  if (record !== undefined) noteUse(path);
  return record?.diffId;
}

/** `source` is what people know it by. */
export function recordDiffId(cache: string, kind: RecordKind, key: string, diffId: string, source: string): void {
  writeWhole(cache, join(cache, kind, key), `${diffId}\n${source}\n`);
}

/** The record in a file; undefined where it is none. */
export function readRecord(path: string): { readonly diffId: string; readonly source: string } | undefined {
  const [diffId = '', source = ''] = readIfPresent(path)?.toString('utf8').split('\n') ?? [];
  return DIFF_ID.test(diffId) ? { diffId, source } : undefined;
}
