import { ImageError } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import { type Platform, platformRank, platformText } from './platform.ts';

const LISTED_MAX = 12;

/**
 * The manifest of an index for a platform: the one that fits best, of equals the first. An index that names no platforms gives
 * its only manifest. Throws `layer-not-found`, with what there is.
 */
export function selectManifest(manifests: readonly Descriptor[], wanted: Platform, name: string): Descriptor {
  const images = manifests.filter(
    ({ mediaType }) => mediaType === '' || isManifestType(mediaType) || isIndexType(mediaType),
  );
  let best: Descriptor | undefined;
  let bestRank = 0;
  for (const manifest of images) {
    const rank = manifest.platform === undefined ? 0 : platformRank(manifest.platform, wanted);
    if (rank > bestRank) [best, bestRank] = [manifest, rank];
  }
  if (best !== undefined) return best;
  const [only, ...others] = images;
  if (only !== undefined && others.length === 0 && only.platform === undefined) return only;
  const offered = [
    ...new Set(images.flatMap(({ platform }) => (platform === undefined ? [] : [platformText(platform)]))),
  ];
  const listed = offered.slice(0, LISTED_MAX).join(', ') + (offered.length > LISTED_MAX ? ', …' : '');
  const has = listed === '' ? 'it names no platform' : `it has ${listed}`;
  throw new ImageError('layer-not-found', `${name} has no image for ${platformText(wanted)}: ${has} (--platform)`);
}
