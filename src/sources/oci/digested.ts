import { createHash } from 'node:crypto';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { digestAlgorithm, digestHex } from '../../core/oci/digest.ts';

/** Passes a blob on, and throws `digest-mismatch` in place of its end when it is not the one that is named. */
export async function* digested(
  stream: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  context: ImageErrorContext,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(digest));
  let length = 0;
  for await (const piece of stream) {
    length += piece.length;
    if (length > size)
      throw new ImageError('digest-mismatch', `the blob ${digest} has more than ${size} bytes`, context);
    hash.update(piece);
    yield piece;
  }
  checkDigest(digest, size, hash.digest('hex'), length, context);
}

/** Throws `digest-mismatch` when a document is not the one that is named. */
export function verifyDocument(bytes: Uint8Array, { digest, size }: Descriptor): void {
  checkDigest(digest, size, createHash(digestAlgorithm(digest)).update(bytes).digest('hex'), bytes.length, {});
}

function checkDigest(digest: string, size: number, hex: string, length: number, context: ImageErrorContext): void {
  if (length !== size) {
    throw new ImageError(
      'digest-mismatch',
      `the blob ${digest} has ${length} bytes, its descriptor says ${size}`,
      context,
    );
  }
  if (hex !== digestHex(digest)) {
    throw new ImageError(
      'digest-mismatch',
      `a blob has the digest ${digestAlgorithm(digest)}:${hex}, expected ${digest}`,
      context,
    );
  }
}
