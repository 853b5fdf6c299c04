import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** What an image layout is made of, by code. */
export interface LayoutImage {
  readonly tag?: string;
  /** Uncompressed tars, bottom first. */
  readonly layers: readonly Uint8Array[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly compress?: (tar: Uint8Array) => Uint8Array;
  /** What its configuration says of its program, in OCI's names. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A descriptor of a blob that was written into a layout. */
export function writeBlob(directory: string, mediaType: string, bytes: Uint8Array): Record<string, unknown> {
  const digest = sha256(bytes);
  const folder = join(directory, 'blobs/sha256');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, digest.slice('sha256:'.length)), bytes);
  return { mediaType, digest, size: bytes.length };
}

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Writes the blobs of one image; returns its manifest's descriptor. */
export function writeImageBlobs(directory: string, image: LayoutImage): Record<string, unknown> {
  const { layers, platform = { os: 'linux', architecture: 'amd64' }, compress = gzipSync, config: program } = image;
  const config = writeBlob(
    directory,
    'application/vnd.oci.image.config.v1+json',
    json({
      ...platform,
      ...(program !== undefined && { config: program }),
      rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
    }),
  );
  const blobs = layers.map((tar) => {
    const bytes = compress(tar);
    const type = bytes[0] === 0x1f ? '.tar+gzip' : bytes[0] === 0x28 ? '.tar+zstd' : '.tar';
    return writeBlob(directory, `application/vnd.oci.image.layer.v1${type}`, bytes);
  });
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: blobs };
  return writeBlob(directory, manifest.mediaType, json(manifest));
}

/** Writes an image layout with these images. */
export function writeLayout(directory: string, images: readonly LayoutImage[]): void {
  const manifests = images.map((image) => ({
    ...writeImageBlobs(directory, image),
    ...(image.tag !== undefined && { annotations: { 'org.opencontainers.image.ref.name': image.tag } }),
  }));
  writeIndex(directory, manifests);
}

/** Writes the index of a layout. */
export function writeIndex(directory: string, manifests: readonly object[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests }));
}
