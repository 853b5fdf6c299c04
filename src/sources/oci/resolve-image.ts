import { ImageError } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Execution, parseExecution } from '../../core/oci/execution.ts';
import {
  DOCUMENT_BYTES_MAX,
  type ImageConfig,
  type Manifest,
  parseImageConfig,
  parseManifest,
} from '../../core/oci/manifest.ts';
import { selectManifest } from '../../core/oci/select.ts';
import type { ImageOrigin, LayerOpener, ResolvedReference } from '../resolve.ts';
import type { ContentSource } from './content-source.ts';
import { verifyDocument } from './digested.ts';
import { openBlobLayer } from './open-blob.ts';
import { checkPlatform, type PlatformRequest } from './requested-platform.ts';

/** How many indexes may stand in one another. */
const INDEX_DEPTH_MAX = 8;

/** An image that is being resolved. */
export interface ImageRequest {
  readonly reference: string;
  readonly transport: string;
  readonly content: ContentSource;
  /** What the reference names: a manifest, or an index. */
  readonly top: Descriptor;
  readonly platform: PlatformRequest;
  /** A reference to the manifest of that digest. */
  readonly pin: (digest: string) => string;
  /** As in ResolvedReference. */
  readonly close?: () => void;
}

/**
 * The layers of an image: from its manifest, through an index by platform, and its configuration. Only these documents are
 * read, and verified. Throws `oci-invalid`, `digest-mismatch`, `layer-not-found` or `layer-unsupported`.
 */
export async function resolveImage(request: ImageRequest): Promise<ResolvedReference> {
  const { reference, transport, content } = request;
  const { descriptor, manifest } = await findManifest(request);
  const { config, execution } = await readConfig(content, manifest.config);
  const { diffIds } = config;
  if (diffIds.length !== manifest.layers.length) {
    const what = `its manifest has ${manifest.layers.length} layers, its configuration ${diffIds.length} diffIDs`;
    throw new ImageError('oci-invalid', what);
  }
  checkPlatform(config.platform, request.platform);
  const origin: ImageOrigin = {
    transport,
    pinned: request.pin(descriptor.digest),
    manifestDigest: descriptor.digest,
    platform: config.platform,
    layers: manifest.layers.map(({ digest }, i) => ({ digest, diffId: diffIds[i]! })),
    execution,
  };
  const layers = manifest.layers.map(
    (layer, i): LayerOpener =>
      async (opening) =>
        openBlobLayer(
          async () => content.openBlob(layer, opening.context, opening.signal),
          layer,
          diffIds[i]!,
          opening,
        ),
  );
  return { reference, layers, origin, ...(request.close !== undefined && { close: request.close }) };
}

type ImageManifest = Extract<Manifest, { kind: 'image' }>;

async function findManifest({
  content,
  top,
  platform,
}: ImageRequest): Promise<{ descriptor: Descriptor; manifest: ImageManifest }> {
  let descriptor = top;
  for (let depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
    const bytes = await content.readDocument(descriptor, DOCUMENT_BYTES_MAX);
    verifyDocument(bytes, descriptor);
    const name = `manifest ${descriptor.digest}`;
    const manifest = parseManifest(bytes, name);
    if (manifest.kind === 'image') return { descriptor, manifest };
    descriptor = selectManifest(manifest.manifests, platform.platform, name);
  }
  throw new ImageError('oci-invalid', `more than ${INDEX_DEPTH_MAX} indexes in one another`);
}

/** What two readers make of an image's configuration; how a program runs is no matter for who builds. */
interface ReadConfig {
  readonly config: ImageConfig;
  readonly execution: () => Execution;
}

async function readConfig(content: ContentSource, descriptor: Descriptor): Promise<ReadConfig> {
  const bytes = await content.readDocument(descriptor, DOCUMENT_BYTES_MAX);
  verifyDocument(bytes, descriptor);
  const name = `configuration ${descriptor.digest}`;
  return { config: parseImageConfig(bytes, name), execution: () => parseExecution(bytes, name) };
}
