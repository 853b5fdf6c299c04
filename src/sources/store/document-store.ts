import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../../core/oci/digest.ts';
import { readIfPresent, writeWhole } from './cache-directory.ts';
import { noteUse } from './last-used.ts';

/** The cached manifest, index or configuration of that digest; undefined when there is none or it is damaged. */
export function cachedDocument(cache: string, digest: Digest): Uint8Array | undefined {
  const path = documentPath(cache, digest);
  const bytes = readIfPresent(path);
  if (bytes === undefined) return undefined;
  noteUse(path);
  const found = createHash(digestAlgorithm(digest)).update(bytes).digest('hex');
  return found === digestHex(digest) ? bytes : undefined;
}

/** Keeps what came as the document of that digest; whether it is, is asked when it is read. */
export function keepDocument(cache: string, digest: Digest, bytes: Uint8Array): void {
  writeWhole(cache, documentPath(cache, digest), bytes);
}

function documentPath(cache: string, digest: Digest): string {
  return join(cache, 'documents', digestAlgorithm(digest), digestHex(digest));
}
