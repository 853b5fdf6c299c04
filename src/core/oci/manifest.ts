import { ImageError } from '../errors.ts';
import { type Descriptor, readDescriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import { JsonValue } from './json.ts';
import { isConfigType, isIndexType, isLayerType, isManifestType } from './media-types.ts';
import { type Platform, readPlatform } from './platform.ts';

/** The most bytes that a manifest, an index or a configuration may have; registries take no larger manifests. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
/** The most layers of one image, and manifests of one index. */
export const LAYERS_MAX = 4096;
const MANIFESTS_MAX = 4096;

/** An image manifest, or an index of manifests. https://github.com/opencontainers/image-spec/blob/main/manifest.md */
export type Manifest =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** What of an image's configuration decides its layers. https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  readonly platform: Platform;
  /** Of the uncompressed layers, bottom first. */
  readonly diffIds: readonly string[];
}

/** Reads a manifest or an index of OCI or Docker; `name` names it in errors. Throws `oci-invalid` or `layer-unsupported`. */
export function parseManifest(bytes: Uint8Array, name: string): Manifest {
  const json = JsonValue.parse(bytes, name, DOCUMENT_BYTES_MAX);
  const version = json.get('schemaVersion');
  if (json.get('fsLayers').isPresent) {
    throw new ImageError(
      'layer-unsupported',
      `${name} is a manifest of Docker's first version, expected OCI's or Docker's second`,
    );
  }
  if (version.isPresent && version.size() !== 2) throw version.invalid('2');
  const mediaType = json.get('mediaType').optionalString() ?? '';
  const manifests = json.get('manifests');
  const layers = json.get('layers');
  if (isIndexType(mediaType) || (mediaType === '' && manifests.isPresent && !layers.isPresent)) {
    if (!manifests.isPresent) throw manifests.invalid('an array');
    return { kind: 'index', manifests: manifests.elements(MANIFESTS_MAX).map(readDescriptor) };
  }
  if (mediaType !== '' && !isManifestType(mediaType)) {
    throw json.get('mediaType').invalid('an image manifest or an index of them');
  }
  return readImageManifest(json, name);
}

function readImageManifest(json: JsonValue, name: string): Manifest {
  const config = readDescriptor(json.get('config'));
  if (!isConfigType(config.mediaType)) {
    const what = `${name} is not a container image: its configuration is ${shown(config.mediaType)}`;
    throw new ImageError('layer-unsupported', what);
  }
  const layers = json.get('layers');
  if (!layers.isPresent) throw layers.invalid('an array');
  const descriptors = layers.elements(LAYERS_MAX).map(readDescriptor);
  const strange = descriptors.findIndex(({ mediaType }) => !isLayerType(mediaType));
  if (strange >= 0) {
    const found = shown(descriptors[strange]!.mediaType);
    const hint = found.includes('encrypted') ? ', and encrypted layers are not read' : '';
    throw new ImageError('layer-unsupported', `${name}, layers[${strange}]: ${found}, expected a tar layer${hint}`);
  }
  return { kind: 'image', config, layers: descriptors };
}

/** Reads an image's configuration. Throws `oci-invalid`. */
export function parseImageConfig(bytes: Uint8Array, name: string): ImageConfig {
  const json = JsonValue.parse(bytes, name, DOCUMENT_BYTES_MAX);
  const rootfs = json.get('rootfs');
  const diffIds = rootfs.isPresent ? rootfs.get('diff_ids').elements(LAYERS_MAX) : [];
  return {
    platform: readPlatform(json),
    diffIds: diffIds.map((element) => {
      const text = element.string();
      if (!isDigest(text) || !text.startsWith('sha256:')) throw element.invalid('sha256:HEX');
      return text;
    }),
  };
}

/** Text of others for people: short, and without control characters. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}
