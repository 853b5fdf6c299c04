import { createHash } from 'node:crypto';
import type { ImageErrorContext } from '../../core/errors.ts';
import { ImageError } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { digestAlgorithm } from '../../core/oci/digest.ts';
import { DOCUMENT_BYTES_MAX } from '../../core/oci/manifest.ts';
import { isIndexType, isManifestType, MANIFEST_TYPES } from '../../core/oci/media-types.ts';
import type { BlobContent, ContentSource } from '../oci/content-source.ts';
import { blobBytes } from './blob-stream.ts';
import type { DockerReference } from './docker-reference.ts';
import type { RegistryClient } from './registry-client.ts';

const ACCEPT = MANIFEST_TYPES.join(', ');

/** A repository of a registry, from which an image is taken. */
export class RegistryContent implements ContentSource {
  readonly #client: RegistryClient;
  readonly #signal: AbortSignal | undefined;
  #top: { readonly digest: string; readonly bytes: Uint8Array } | undefined;

  /** `signal` ends the reading of documents. */
  constructor(client: RegistryClient, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal;
  }

  /**
   * The descriptor of what a reference names. Of a tag, the digest is that of the bytes which came: what the registry says of
   * them proves nothing.
   */
  async findTop({ tag, digest }: DockerReference): Promise<Descriptor> {
    const { bytes, mediaType } = await this.#manifest(digest ?? tag ?? '', DOCUMENT_BYTES_MAX);
    const algorithm = digestAlgorithm(digest ?? '');
    const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (digest !== undefined && digest !== found)
      throw new ImageError('digest-mismatch', `the registry sends a manifest with the digest ${found}`);
    this.#top = { digest: found, bytes };
    return { mediaType, digest: found, size: bytes.length, urls: [] };
  }

  async readDocument({ digest, mediaType }: Descriptor, bytesMax: number): Promise<Uint8Array> {
    if (this.#top?.digest === digest) return this.#top.bytes;
    if (isManifestType(mediaType) || isIndexType(mediaType)) return (await this.#manifest(digest, bytesMax)).bytes;
    const options = this.#client.optionsFor(this.#signal);
    return (await this.#client.getWhole(`blobs/${digest}`, {}, bytesMax, options)).bytes;
  }

  async openBlob(
    descriptor: Descriptor,
    _context: ImageErrorContext,
    signal: AbortSignal | undefined,
  ): Promise<BlobContent> {
    return { kind: 'stream', stream: blobBytes(this.#client, descriptor, signal), size: descriptor.size };
  }

  async #manifest(name: string, bytesMax: number): Promise<{ bytes: Uint8Array; mediaType: string }> {
    const options = this.#client.optionsFor(this.#signal);
    const { bytes, headers } = await this.#client.getWhole(`manifests/${name}`, { accept: ACCEPT }, bytesMax, options);
    const [mediaType = ''] = (headers.get('content-type') ?? '').split(';');
    if (mediaType.trim().toLowerCase() === 'text/html')
      throw new ImageError('registry-failed', 'a web page came instead of a manifest: it may be no registry');
    return { bytes, mediaType };
  }
}
