import { ImageError } from '../errors.ts';
import { JsonValue } from './json.ts';
import { DOCUMENT_BYTES_MAX, LAYERS_MAX } from './manifest.ts';

/** One image of the `manifest.json` of an archive that `docker save` writes. */
export interface ArchivedImage {
  /** The paths of its configuration and of its layers, bottom first, in the archive. */
  readonly config: string;
  readonly layers: readonly string[];
  readonly repoTags: readonly string[];
}

const IMAGES_MAX = 4096;
const LISTED_MAX = 20;

/** Reads an archive's `manifest.json`. Throws `oci-invalid`. */
export function parseArchiveManifest(bytes: Uint8Array): ArchivedImage[] {
  const json = JsonValue.parse(bytes, 'manifest.json', DOCUMENT_BYTES_MAX);
  if (!json.isPresent) throw json.invalid('an array');
  return json.elements(IMAGES_MAX).map((image) => ({
    config: image.get('Config').string(),
    layers: image
      .get('Layers')
      .elements(LAYERS_MAX)
      .map((layer) => layer.string()),
    repoTags: image
      .get('RepoTags')
      .elements(IMAGES_MAX)
      .map((tag) => tag.string()),
  }));
}

/**
 * The image of that name (`REPO:TAG`, `latest` where no tag is said, or `@INDEX`, counted from 0), else the only one. Throws
 * `layer-not-found`, with the names there are.
 */
export function selectArchived(
  images: readonly ArchivedImage[],
  wanted: string | undefined,
  name: string,
): ArchivedImage {
  const tags = images.flatMap(({ repoTags }) => repoTags);
  const listed =
    tags
      .slice(0, LISTED_MAX)
      .map((tag) => JSON.stringify(tag))
      .join(', ') + (tags.length > LISTED_MAX ? ', …' : '');
  const there = tags.length === 0 ? `it has ${images.length} without a name` : `it has ${listed}`;
  if (wanted === undefined) {
    const [only, ...others] = images;
    if (only === undefined) throw new ImageError('layer-not-found', `${name} has no image`);
    if (others.length > 0)
      throw new ImageError('layer-not-found', `${name} has several images, and none was named: ${there}`);
    return only;
  }
  const found = /^@\d{1,6}$/.test(wanted)
    ? images[Number(wanted.slice(1))]
    : images.find(({ repoTags }) => repoTags.some((tag) => sameName(tag, wanted)));
  if (found === undefined)
    throw new ImageError('layer-not-found', `${name} has no image ${JSON.stringify(wanted)}: ${there}`);
  return found;
}

/** Docker leaves out of a name what it takes for granted: its own registry, `library/`, `:latest`. */
function sameName(a: string, b: string): boolean {
  return fullName(a) === fullName(b);
}

function fullName(name: string): string {
  const bare = name.replace(/^(?:docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '');
  return /:[^/]*$/.test(bare) ? bare : `${bare}:latest`;
}
