import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type FileIdentity, identityText } from '../identity.ts';
import { readIfPresent, writeWhole } from './cache-directory.ts';

const DIFF_ID = /^sha256:[0-9a-f]{64}$/;

/** A name for the file at `realPath` as it is now: changed in any way, it has another. */
export function sourceKey(realPath: string, identity: FileIdentity): string {
  return createHash('sha256')
    .update(`${realPath}\0${identityText(identity)}`)
    .digest('hex');
}

/** The diffID of the compressed file of that key, when it was decompressed before. */
export function recordedDiffId(cache: string, key: string): string | undefined {
  const text = readIfPresent(recordPath(cache, key))?.toString('latin1').trimEnd();
  return text !== undefined && DIFF_ID.test(text) ? text : undefined;
}

export function recordDiffId(cache: string, key: string, diffId: string): void {
  writeWhole(cache, recordPath(cache, key), `${diffId}\n`);
}

function recordPath(cache: string, key: string): string {
  return join(cache, 'sources', key);
}
