import type { JsonValue } from '../oci/json.ts';

/**
 * What a layer is, by digest: a tar has a diffID, the digest of its uncompressed bytes, which container images name it by; a layer
 * that is no tar has the digest of its contents as the image takes them. Both are `sha256:HEX`.
 */
export type LayerIdentity = { readonly diffId: string } | { readonly contents: string };

const SHA256 = /^sha256:[\da-f]{64}$/;

/** Reads one from the members of an object; throws the error of `json` for anything else. */
export function readLayerIdentity(json: JsonValue): LayerIdentity {
  const contents = json.get('contents');
  const diffId = json.get('diffId');
  if (!contents.isPresent) return { diffId: diffId.matching(SHA256, 'sha256:HEX') };
  if (diffId.isPresent) throw json.invalid('a diffID or contents', 'both');
  return { contents: contents.matching(SHA256, 'sha256:HEX') };
}

/** For people. */
export function layerIdentityText(identity: LayerIdentity): string {
  return 'diffId' in identity ? `diffID ${identity.diffId}` : `contents ${identity.contents}`;
}
