import { createHash } from 'node:crypto';
import type { Image } from '../image/image.ts';
import { FsVerityHash } from './fsverity.ts';
import { type Consumer, pump, type PumpOptions } from './pump.ts';

/** How an image is digested: the SHA-256 of all its bytes, or the kernel's fs-verity file digest. */
export type DigestAlgorithm = 'sha256' | 'fsverity';

/** Digests an image that comes in order. */
export interface ImageHash {
  update(bytes: Uint8Array): void;
  zeros(length: number): void;
  /** In hexadecimal; nothing may follow. */
  digest(): string;
}

const ZEROS = new Uint8Array(1024 * 1024);

export function imageHash(algorithm: DigestAlgorithm): ImageHash {
  if (algorithm === 'fsverity') return new FsVerityHash();
  const hash = createHash('sha256');
  return {
    update: (bytes) => void hash.update(bytes),
    zeros: (length) => {
      for (let left = length; left > 0; left -= ZEROS.length)
        hash.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
    },
    digest: () => hash.digest('hex'),
  };
}

/** A consumer that digests what it gets. */
function hashing(hash: ImageHash): Consumer {
  return { data: (_, bytes) => hash.update(bytes), hole: (_, length) => hash.zeros(length) };
}

/** The digest of an image, in hexadecimal, without writing it. Throws ImageError as reading it does. */
export async function hashImage(
  image: Image,
  algorithm: DigestAlgorithm = 'sha256',
  options: PumpOptions = {},
): Promise<string> {
  const hash = imageHash(algorithm);
  await pump(image, 'hashing', hashing(hash), options);
  image.verifyUnchanged();
  return hash.digest();
}
