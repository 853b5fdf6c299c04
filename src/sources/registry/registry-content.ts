import { createHash } from 'node:crypto';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../core/oci/digest.ts';
import { DOCUMENT_BYTES_MAX } from '../../core/oci/manifest.ts';
import { isIndexType, isManifestType, MANIFEST_TYPES } from '../../core/oci/media-types.ts';
import type { BlobContent, ContentSource } from '../oci/content-source.ts';
import type { Opening } from '../opening.ts';
import { cachedDocument, keepDocument } from '../store/document-store.ts';
import { blobBytes } from './blob-stream.ts';
import type { DockerReference } from './docker-reference.ts';
import type { RegistryClient } from './registry-client.ts';

const ACCEPT = MANIFEST_TYPES.join(', ');

/** A repository of a registry, from which an image is taken. What has a digest and is in the cache is not asked for. */
export class RegistryContent implements ContentSource {
  readonly #client: RegistryClient;
  readonly #opening: Opening;
  #top: { readonly digest: Digest; readonly bytes: Uint8Array } | undefined;

  /** `opening` is that of the reference: its signal ends the reading of documents, not that of layers. */
  constructor(client: RegistryClient, opening: Opening) {
    this.#client = client;
    this.#opening = opening;
  }

  /**
   * The descriptor of what a reference names. Of a tag, the digest is that of the bytes which came: what the registry says of
   * them proves nothing. Throws `digest-mismatch` when a digest names other bytes.
   */
  async findTop({ tag = '', digest }: DockerReference): Promise<Descriptor> {
    const bytes =
      digest === undefined
        ? await this.#manifest(tag, DOCUMENT_BYTES_MAX)
        : await this.#known(digest, async () => this.#manifest(digest, DOCUMENT_BYTES_MAX));
    const algorithm = digestAlgorithm(digest ?? '');
    const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (digest !== undefined && digest !== found)
      throw new ImageError('digest-mismatch', `the registry sends a manifest with the digest ${found}`);
    this.#top = { digest: found, bytes };
    if (digest === undefined) this.#keep(found, bytes);
    return { mediaType: '', digest: found, size: bytes.length, urls: [] };
  }

  async readDocument({ digest, mediaType }: Descriptor, bytesMax: number): Promise<Uint8Array> {
    if (this.#top?.digest === digest) return this.#top.bytes;
    return this.#known(digest, async () => {
      if (isManifestType(mediaType) || isIndexType(mediaType)) return this.#manifest(digest, bytesMax);
      const options = this.#client.optionsFor(this.#opening.signal);
      return (await this.#client.getWhole(`blobs/${digest}`, {}, bytesMax, options)).bytes;
    });
  }

  async openBlob(
    descriptor: Descriptor,
    _context: ImageErrorContext,
    signal: AbortSignal | undefined,
  ): Promise<BlobContent> {
    return { kind: 'stream', stream: blobBytes(this.#client, descriptor, signal), size: descriptor.size };
  }

  async #manifest(name: string, bytesMax: number): Promise<Uint8Array> {
    const options = this.#client.optionsFor(this.#opening.signal);
    const { bytes, headers } = await this.#client.getWhole(`manifests/${name}`, { accept: ACCEPT }, bytesMax, options);
    if (/^text\/html\b/i.test(headers.get('content-type') ?? ''))
      throw new ImageError('registry-failed', 'a web page came instead of a manifest: it may be no registry');
    return bytes;
  }

  async #known(digest: Digest, fetchIt: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { cache } = this.#opening;
    const cached = cache === undefined ? undefined : cachedDocument(cache, digest);
    if (cached !== undefined) return cached;
    const bytes = await fetchIt();
    this.#keep(digest, bytes);
    return bytes;
  }

  #keep(digest: Digest, bytes: Uint8Array): void {
    const { cache, onWarning } = this.#opening;
    if (cache === undefined) return;
    try {
      keepDocument(cache, digest, bytes);
    } catch (error) {
      onWarning(`the cache ${cache} does not keep ${digest}: ${(error as Error).message}`);
    }
  }
}
