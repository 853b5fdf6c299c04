import { closeSync, fstatSync, openSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { digestAlgorithm, digestHex } from '../../core/oci/digest.ts';
import { DOCUMENT_BYTES_MAX } from '../../core/oci/manifest.ts';
import { errnoOf } from '../failure.ts';
import { FileBlob } from '../file-blob.ts';
import { identityOf, isRacy } from '../identity.ts';
import { preadSync } from '../pread.ts';
import { sourceKey } from '../store/source-records.ts';
import type { BlobContent, ContentSource } from './content-source.ts';

/** An OCI image layout in a directory. https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
export class LayoutDirectory implements ContentSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The bytes of `index.json`. Throws `layer-not-found` where there is no image layout. */
  readIndex(): Uint8Array {
    try {
      return readBounded(join(this.#path, 'index.json'), DOCUMENT_BYTES_MAX);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
      throw new ImageError(
        'layer-not-found',
        `${this.#path} is no image layout: it has no index.json`,
        {},
        { cause: error },
      );
    }
  }

  async readDocument({ digest }: Descriptor, bytesMax: number): Promise<Uint8Array> {
    try {
      return readBounded(this.#blobPath(digest), bytesMax);
    } catch (error) {
      throw missing(error, digest);
    }
  }

  async openBlob({ digest }: Descriptor, context: ImageErrorContext): Promise<BlobContent> {
    const path = this.#blobPath(digest);
    const seenAt = Date.now();
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      throw missing(error, digest);
    }
    const identity = identityOf(fstatSync(fd, { bigint: true }));
    const blob = new FileBlob(fd, identity, context, path);
    const key = isRacy(identity, seenAt) ? undefined : sourceKey(realpathSync(path), identity);
    return { kind: 'part', blob, offset: 0, size: Number(identity.size), key };
  }

  #blobPath(digest: string): string {
    return join(this.#path, 'blobs', digestAlgorithm(digest), digestHex(digest));
  }
}

function readBounded(path: string, bytesMax: number): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size > bytesMax) throw new ImageError('oci-invalid', `${path} has ${size} bytes, at most ${bytesMax} are read`);
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, preadSync(fd, bytes, 0));
  } finally {
    closeSync(fd);
  }
}

function missing(error: unknown, digest: string): unknown {
  if (errnoOf(error) !== 'ENOENT') return error;
  return new ImageError('layer-not-found', `the image layout has no blob ${digest}`, {}, { cause: error });
}
