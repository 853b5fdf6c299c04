import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../../core/oci/digest.ts';
import { readIfPresent, writeWhole } from './cache-directory.ts';

/** The cached manifest, index or configuration of that digest; undefined when there is none or it is damaged. */
export function cachedDocument(cache: string, digest: Digest): Uint8Array | undefined {
  const bytes = readIfPresent(documentPath(cache, digest));
  return bytes !== undefined && isOfDigest(bytes, digest) ? bytes : undefined;
}

/** Keeps a document, when it is the one that its digest names. */
export function keepDocument(cache: string, digest: Digest, bytes: Uint8Array): void {
  if (isOfDigest(bytes, digest)) writeWhole(cache, documentPath(cache, digest), bytes);
}

function isOfDigest(bytes: Uint8Array, digest: Digest): boolean {
  return createHash(digestAlgorithm(digest)).update(bytes).digest('hex') === digestHex(digest);
}

function documentPath(cache: string, digest: Digest): string {
  return join(cache, 'documents', digestAlgorithm(digest), digestHex(digest));
}
