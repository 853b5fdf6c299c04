import { ImageError } from '../errors.ts';
import type { JsonValue } from './json.ts';

/** What a container image runs on, in Go's names. https://github.com/opencontainers/image-spec/blob/main/image-index.md */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** Other names that tools write for an architecture, and the variants that say nothing. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  armhf: 'arm',
  i386: '386',
  x86_64: 'amd64',
  'x86-64': 'amd64',
};
const DEFAULT_VARIANT: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8', amd64: 'v1' };

const PART = /^[A-Za-z0-9_.-]{1,64}$/;

/** `os/arch` or `os/arch/variant`. Throws `option-invalid`. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  const [os, architecture, variant] = parts;
  if (os === undefined || architecture === undefined || parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new ImageError(
      'option-invalid',
      `platform ${JSON.stringify(text)}: expected OS/ARCH[/VARIANT], as linux/arm64`,
    );
  }
  return normalized({ os, architecture, variant });
}

/** Throws `oci-invalid`. */
export function readPlatform(json: JsonValue): Platform {
  return normalized({
    os: json.get('os').optionalString() ?? '',
    architecture: json.get('architecture').optionalString() ?? '',
    variant: json.get('variant').optionalString(),
  });
}

/** `linux/arm/v7`. */
export function platformText({ os, architecture, variant }: Platform): string {
  const text = [os || 'unknown', architecture || 'unknown', ...(variant === undefined ? [] : [variant])].join('/');
  return /^[\x20-\x7e]*$/.test(text) ? text : JSON.stringify(text);
}

/**
 * How well an image for `offered` runs on `wanted`: 0 not at all, else the higher the better. A 32-bit ARM runs images of its
 * variant and older ones, a 64-bit x86 images of its level and lower ones.
 */
export function platformRank(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return 0;
  const have = variantNumber(offered);
  const want = variantNumber(wanted);
  if (have === undefined || want === undefined) return offered.variant === wanted.variant ? 1 : 0;
  return have <= want ? have : 0;
}

function variantNumber({ architecture, variant = DEFAULT_VARIANT[architecture] ?? '' }: Platform): number | undefined {
  return /^v\d{1,2}$/.test(variant) ? Number(variant.slice(1)) : undefined;
}

function normalized({ os, architecture, variant }: Platform): Platform {
  const lower = architecture.toLowerCase();
  const known = ARCHITECTURES[lower] ?? lower;
  const said = variant === '' ? undefined : variant?.toLowerCase();
  return { os: os.toLowerCase(), architecture: known, variant: said === DEFAULT_VARIANT[known] ? undefined : said };
}
