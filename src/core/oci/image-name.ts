import { ImageError } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';

const LISTED_MAX = 20;

/**
 * What an image layout's index has under a tag, else its only entry. The tag is the annotation `org.opencontainers.image.ref.name`;
 * a digest is taken too. Throws `layer-not-found`, with the tags there are.
 */
export function selectTagged(manifests: readonly Descriptor[], tag: string | undefined, name: string): Descriptor {
  const tags = [...new Set(manifests.flatMap(({ refName }) => (refName === undefined ? [] : [refName])))];
  const listed =
    tags
      .slice(0, LISTED_MAX)
      .map((each) => JSON.stringify(each))
      .join(', ') + (tags.length > LISTED_MAX ? ', …' : '');
  const there = tags.length === 0 ? 'it has no tags' : `its tags are ${listed}`;
  if (tag !== undefined) {
    const found = manifests.find(({ refName, digest }) => refName === tag || digest === tag);
    if (found === undefined)
      throw new ImageError('layer-not-found', `${name} has no image ${JSON.stringify(tag)}: ${there}`);
    return found;
  }
  const [only, ...others] = manifests;
  if (only === undefined) throw new ImageError('layer-not-found', `${name} has no image`);
  if (others.some(({ digest }) => digest !== only.digest)) {
    throw new ImageError('layer-not-found', `${name} has ${manifests.length} images, and none was named: ${there}`);
  }
  return only;
}
