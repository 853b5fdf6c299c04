import { arch } from 'node:os';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { selectTagged } from '../core/oci/image-name.ts';
import { parseManifest } from '../core/oci/manifest.ts';
import { ImageError } from '../core/errors.ts';
import { parsePlatform, type Platform } from '../core/oci/platform.ts';
import { sourceFailure } from './failure.ts';
import type { OpenLayerOptions } from './opening.ts';
import { openDirectory, openPath } from './open-path.ts';
import { openStream } from './open-stream.ts';
import { parseReference, type Reference } from './reference.ts';
import type { LayerOpener, ResolvedReference } from './resolve.ts';

/** Options of what stands behind a reference. */
export interface ResolveOptions extends Pick<OpenLayerOptions, 'stdin' | 'signal' | 'onWarning'> {
  /** `OS/ARCH[/VARIANT]` of the image to take from an index; default: `linux/` and the host's architecture. */
  readonly platform?: string | undefined;
}

/** Finds what a reference stands for: one layer, or those of a container image. Throws ImageError with the reference. */
export async function resolveReference(reference: string, options: ResolveOptions): Promise<ResolvedReference> {
  const context = { reference: displayName(utf8ByteString(reference)) };
  options.signal?.throwIfAborted();
  try {
    const source = parseReference(reference, context);
    if (source.kind === 'oci') return await resolveLayout(reference, source, options);
    return { reference, layers: [openerOf(source, options)] };
  } catch (error) {
    options.signal?.throwIfAborted();
    const failure = sourceFailure(error, context);
    if (!(failure instanceof ImageError) || failure.context.reference !== undefined) throw failure;
    throw new ImageError(failure.code, failure.what, { ...failure.context, ...context }, { cause: failure.cause });
  }
}

function openerOf(source: Exclude<Reference, { kind: 'oci' }>, options: ResolveOptions): LayerOpener {
  if (source.kind === 'directory') return async (opening) => openDirectory(source.path, opening);
  if (source.kind === 'path') return async (opening) => openPath(source.path, opening);
  return async (opening) => openStream(options.stdin ?? process.stdin, opening);
}

async function resolveLayout(
  reference: string,
  { path, name }: Extract<Reference, { kind: 'oci' }>,
  options: ResolveOptions,
): Promise<ResolvedReference> {
  // Most runs have plain layers only.
  const { LayoutDirectory } = await import('./oci/layout-directory.ts');
  const { resolveImage } = await import('./oci/resolve-image.ts');
  const content = new LayoutDirectory(path);
  const index = parseManifest(content.readIndex(), 'index.json');
  if (index.kind !== 'index') throw new ImageError('oci-invalid', 'index.json is an image manifest, expected an index');
  return resolveImage({
    reference,
    transport: 'oci',
    content,
    top: selectTagged(index.manifests, name, path),
    ...requestedPlatform(options),
    onWarning: options.onWarning ?? (() => undefined),
    pin: (digest) => `oci:${path}:${digest}`,
  });
}

/** Node.js' names for architectures where OCI has others. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

function requestedPlatform({ platform }: ResolveOptions): { platform: Platform; isPlatformGiven: boolean } {
  if (platform !== undefined) return { platform: parsePlatform(platform), isPlatformGiven: true };
  const host = arch();
  return { platform: parsePlatform(`linux/${ARCHITECTURES[host] ?? host}`), isPlatformGiven: false };
}
