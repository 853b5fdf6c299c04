import type { Descriptor } from '../../core/oci/descriptor.ts';
import { digestAlgorithm, digestHex } from '../../core/oci/digest.ts';
import type { Archive } from './archive.ts';
import type { BlobContent, ContentSource } from './content-source.ts';

/** An OCI image layout in a tar, read in place. */
export class LayoutArchive implements ContentSource {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  readDocument({ digest }: Descriptor, bytesMax: number): Promise<Uint8Array> {
    return this.#archive.readFile(blobName(digest), bytesMax);
  }

  async openBlob({ digest }: Descriptor): Promise<BlobContent> {
    return this.#archive.openFile(blobName(digest));
  }
}

function blobName(digest: string): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}
