/** https://github.com/opencontainers/image-spec/blob/main/media-types.md, and those of Docker's registry, second version. */
const MediaType = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

/** The types of manifests and indexes that are read, for who asks a registry. */
export const MANIFEST_TYPES: readonly string[] = Object.values(MediaType);

const INDEXES: ReadonlySet<string> = new Set([MediaType.ociIndex, MediaType.dockerIndex]);
const MANIFESTS: ReadonlySet<string> = new Set([MediaType.ociManifest, MediaType.dockerManifest]);
const CONFIGS = new Set(['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']);
const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1|docker\.image\.rootfs\.(?:foreign\.)?diff)\.tar(?:[.+](?:gzip|zstd))?$/;

export const isIndexType = (mediaType: string): boolean => INDEXES.has(mediaType);
export const isManifestType = (mediaType: string): boolean => MANIFESTS.has(mediaType);
/** Old tools leave the type of a configuration out. */
export const isConfigType = (mediaType: string): boolean => mediaType === '' || CONFIGS.has(mediaType);
/** How a layer is compressed is told by its bytes, as everywhere. */
export const isLayerType = (mediaType: string): boolean => mediaType === '' || LAYER.test(mediaType);
