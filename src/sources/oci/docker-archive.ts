import { createHash } from 'node:crypto';
import { ImageError } from '../../core/errors.ts';
import { type ArchivedImage, parseArchiveManifest, selectArchived } from '../../core/oci/docker-archive.ts';
import { type Execution, parseExecution } from '../../core/oci/execution.ts';
import { DOCUMENT_BYTES_MAX, type ImageConfig, parseImageConfig } from '../../core/oci/manifest.ts';
import type { ImageReference } from '../reference.ts';
import type { LayerOpener, ResolvedReference } from '../resolve.ts';
import type { Archive } from './archive.ts';
import { openBlobLayer } from './open-blob.ts';
import { checkPlatform, type PlatformRequest } from './requested-platform.ts';

/** Files that are named by their SHA-256: `HEX.json`, `blobs/sha256/HEX`. */
const NAMED_BY_DIGEST = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/;

/**
 * The layers of an image in an archive of `docker save`. Throws `oci-invalid`, `digest-mismatch` or `layer-not-found`.
 */
export async function resolveArchived(
  reference: string,
  { path, name }: ImageReference,
  archive: Archive,
  platform: PlatformRequest,
): Promise<ResolvedReference> {
  const images = parseArchiveManifest(await archive.readFile('manifest.json', DOCUMENT_BYTES_MAX));
  const image = selectArchived(images, name, path);
  const { config, execution } = await readConfig(archive, image);
  const { diffIds } = config;
  if (diffIds.length !== image.layers.length) {
    const what = `manifest.json has ${image.layers.length} layers, the configuration ${diffIds.length} diffIDs`;
    throw new ImageError('oci-invalid', what);
  }
  checkPlatform(config.platform, platform);
  const layers = image.layers.map(
    (file, i): LayerOpener =>
      async (opening) =>
        openBlobLayer(async () => archive.openFile(file), digestOfName(file), diffIds[i]!, opening),
  );
  const origin = {
    transport: 'docker-archive',
    pinned: reference,
    platform: config.platform,
    layers: diffIds.map((diffId) => ({ diffId })),
    execution,
  };
  return { reference, layers, origin, close: () => archive.close() };
}

async function readConfig(
  archive: Archive,
  image: ArchivedImage,
): Promise<{ config: ImageConfig; execution: () => Execution }> {
  const bytes = await archive.readFile(image.config, DOCUMENT_BYTES_MAX);
  const expected = NAMED_BY_DIGEST.exec(image.config)?.[1];
  const found = createHash('sha256').update(bytes).digest('hex');
  if (expected !== undefined && expected !== found) {
    throw new ImageError('digest-mismatch', `the configuration has the digest ${found}, its name says ${expected}`);
  }
  const name = 'the configuration';
  return { config: parseImageConfig(bytes, name), execution: () => parseExecution(bytes, name) };
}

/** Newer archives name blobs by digest, older ones put them into a folder of another name. */
function digestOfName(file: string): { digest?: string } {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(file)?.[1];
  return hex === undefined ? {} : { digest: `sha256:${hex}` };
}
