import { ImageError } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { isDigest } from '../../core/oci/digest.ts';
import { selectTagged } from '../../core/oci/image-name.ts';
import { DOCUMENT_BYTES_MAX, parseManifest } from '../../core/oci/manifest.ts';
import type { Opening } from '../opening.ts';
import type { ImageReference } from '../reference.ts';
import type { ResolvedReference } from '../resolve.ts';
import { Archive } from './archive.ts';
import type { ContentSource } from './content-source.ts';
import { resolveArchived } from './docker-archive.ts';
import { findByDigest } from './find-by-digest.ts';
import { LayoutArchive } from './layout-archive.ts';
import { LayoutDirectory } from './layout-directory.ts';
import { type PlatformRequest, requestPlatform } from './requested-platform.ts';
import { resolveImage } from './resolve-image.ts';

/** Finds an image that is on this host: in an image layout, in one in a tar, or in an archive of `docker save`. */
export async function resolveStoredImage(
  source: ImageReference,
  opening: Opening,
  wantedPlatform: string | undefined,
): Promise<ResolvedReference> {
  const { onWarning, reference } = opening;
  const platform = requestPlatform(wantedPlatform, (what) => onWarning(`${reference}: ${what}`));
  if (source.kind === 'oci') return resolveLayout(source, opening, platform);
  const archive = await Archive.open(source.path, opening);
  try {
    if (source.kind === 'oci-archive') return await resolveLayoutArchive(source, archive, opening, platform);
    if (!archive.has('manifest.json')) throw notAnArchive(archive);
    return await resolveArchived(reference, source, archive, platform);
  } catch (error) {
    archive.close();
    throw error;
  }
}

async function resolveLayout(
  { kind, path, name }: ImageReference,
  { reference }: Opening,
  platform: PlatformRequest,
): Promise<ResolvedReference> {
  const content = new LayoutDirectory(path);
  const top = await namedIn(content, content.readIndex(), name, path);
  const pin = (digest: string): string => `${kind}:${path}:${digest}`;
  return resolveImage({ reference, transport: kind, content, top, platform, pin });
}

async function resolveLayoutArchive(
  { kind, path, name }: ImageReference,
  archive: Archive,
  { reference }: Opening,
  platform: PlatformRequest,
): Promise<ResolvedReference> {
  if (!archive.has('index.json')) {
    const hint = archive.has('manifest.json') ? `: it is one of docker save (docker-archive:${path})` : '';
    throw new ImageError('layer-not-found', `the archive has no image layout, as it has no index.json${hint}`);
  }
  const content = new LayoutArchive(archive);
  const top = await namedIn(content, await archive.readFile('index.json', DOCUMENT_BYTES_MAX), name, path);
  return resolveImage({
    reference,
    transport: kind,
    content,
    top,
    platform,
    pin: (digest) => `${kind}:${path}:${digest}`,
    close: () => archive.close(),
  });
}

async function namedIn(
  content: ContentSource,
  indexBytes: Uint8Array,
  name: string | undefined,
  path: string,
): Promise<Descriptor> {
  const index = parseManifest(indexBytes, 'index.json');
  if (index.kind !== 'index') throw new ImageError('oci-invalid', 'index.json is a manifest, expected an index');
  const found = name !== undefined && isDigest(name) ? await findByDigest(content, index.manifests, name) : undefined;
  return found ?? selectTagged(index.manifests, name, path);
}

function notAnArchive(archive: Archive): ImageError {
  const hint = archive.has('index.json') ? ': it has an image layout (oci-archive:)' : '';
  return new ImageError('layer-not-found', `the archive is none of docker save, as it has no manifest.json${hint}`);
}
