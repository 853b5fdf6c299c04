import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { DOCUMENT_BYTES_MAX, parseManifest } from '../../core/oci/manifest.ts';
import { isIndexType } from '../../core/oci/media-types.ts';
import type { ContentSource } from './content-source.ts';
import { verifyDocument } from './digested.ts';

/** The most indexes that are read in search of one manifest. */
const INDEXES_MAX = 64;

/** The descriptor of a digest among `manifests`, or in indexes among them; undefined where it is in none. */
export async function findByDigest(
  content: ContentSource,
  manifests: readonly Descriptor[],
  digest: Digest,
): Promise<Descriptor | undefined> {
  const seen = new Map<Digest, Descriptor>();
  const note = (descriptors: readonly Descriptor[]): void => {
    for (const descriptor of descriptors) if (!seen.has(descriptor.digest)) seen.set(descriptor.digest, descriptor);
  };
  note(manifests);
  let indexes = 0;
  // A map goes on to what is added while it is walked.
  for (const descriptor of seen.values()) {
    if (seen.has(digest) || indexes === INDEXES_MAX) break;
    if (!isIndexType(descriptor.mediaType)) continue;
    indexes++;
    const bytes = await content.readDocument(descriptor, DOCUMENT_BYTES_MAX);
    verifyDocument(bytes, descriptor);
    const index = parseManifest(bytes, `manifest ${descriptor.digest}`);
    if (index.kind === 'index') note(index.manifests);
  }
  return seen.get(digest);
}
