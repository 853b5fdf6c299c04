import { type Digest, isDigest } from './digest.ts';
import type { JsonValue } from './json.ts';
import { type Platform, readPlatform } from './platform.ts';

/** What names a blob. https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Only of manifests in an index. */
  readonly platform?: Platform | undefined;
  /** `org.opencontainers.image.ref.name`: a tag, in an image layout's index. */
  readonly refName?: string | undefined;
  /** Where else the blob may be had. */
  readonly urls: readonly string[];
}

const URLS_MAX = 16;
const REF_NAME = 'org.opencontainers.image.ref.name';

/** Throws `oci-invalid`. */
export function readDescriptor(json: JsonValue): Descriptor {
  const digest = json.get('digest');
  const text = digest.string();
  if (!isDigest(text)) throw digest.invalid('sha256:HEX or sha512:HEX');
  const annotations = json.get('annotations');
  const platform = json.get('platform');
  return {
    mediaType: json.get('mediaType').optionalString() ?? '',
    digest: text,
    size: json.get('size').size(),
    platform: platform.isPresent ? readPlatform(platform) : undefined,
    refName: annotations.isPresent ? annotations.get(REF_NAME).optionalString() : undefined,
    urls: json
      .get('urls')
      .elements(URLS_MAX)
      .map((url) => url.string()),
  };
}
