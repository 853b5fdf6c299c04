import type { ImageErrorContext } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { Blob } from '../layer.ts';

/** Where the bytes of a layer's blob are: a part of a file of this host, or a stream that is read once. */
export type BlobContent =
  | {
      readonly kind: 'part';
      /** Open, and to be closed by who asked for it. */
      readonly blob: Blob;
      /** Where the part begins in `blob`, and how long it is, in bytes. */
      readonly offset: number;
      readonly size: number;
      /** Another when the bytes may be others; undefined when that cannot be told. */
      readonly key: string | undefined;
    }
  | { readonly kind: 'stream'; readonly stream: AsyncIterable<Uint8Array>; readonly size: number };

/** Where the blobs of an image come from: an image layout, an archive, a registry. What it gives is not yet verified. */
export interface ContentSource {
  /** The bytes of a manifest, an index or a configuration; at most `bytesMax`. Throws `layer-not-found` and `oci-invalid`. */
  readDocument(descriptor: Descriptor, bytesMax: number): Promise<Uint8Array>;
  /** A layer's blob, for the errors of `context`. A stream that is not read to its end is given back by its `return`. */
  openBlob(descriptor: Descriptor, context: ImageErrorContext, signal: AbortSignal | undefined): Promise<BlobContent>;
}
