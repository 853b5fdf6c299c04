/** A digest as OCI writes it: `sha256:` or `sha512:` and lower-case hexadecimal digits. */
export type Digest = string;

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether text is a digest of an algorithm that is read here. https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The digits of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}
