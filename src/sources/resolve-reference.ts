import { statSync } from 'node:fs';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { Layer } from './layer.ts';
import { imageHint } from './oci/image-hint.ts';
import { type Opening, openingOf, type OpenLayerOptions } from './opening.ts';
import { sourceFailure } from './failure.ts';
import { openDirectory, openPath } from './open-path.ts';
import { openStream } from './open-stream.ts';
import { type ImageReference, parseReference, type Reference } from './reference.ts';
import type { RegistryOptions } from './registry/resolve-registry.ts';
import type { LayerOpener, ResolvedReference } from './resolve.ts';

/** Options of what stands behind a reference. */
export interface ResolveOptions extends OpenLayerOptions, RegistryOptions {
  /** `OS/ARCH[/VARIANT]` of the image to take from an index; default: `linux/` and the host's architecture. */
  readonly platform?: string | undefined;
}

/** Finds what a reference stands for: one layer, or those of a container image. Throws ImageError with the reference. */
export async function resolveReference(reference: string, options: ResolveOptions): Promise<ResolvedReference> {
  const context = { reference: displayName(utf8ByteString(reference)) };
  options.signal?.throwIfAborted();
  try {
    const source = parseReference(reference, context);
    switch (source.kind) {
      case 'stdin':
      case 'path':
      case 'directory':
        return { reference, layers: [openerOf(source, options)] };
      case 'docker':
        return await resolveRegistryReference(reference, source.name, options);
      default:
        return await resolveImageReference(reference, source, options);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw withReference(sourceFailure(error, context), context.reference);
  }
}

type PlainReference = Extract<Reference, { kind: 'stdin' | 'path' | 'directory' }>;

function openerOf(source: PlainReference, options: ResolveOptions): LayerOpener {
  if (source.kind === 'directory')
    return async (opening) => hinted(source.path, openDirectory(source.path, opening), opening);
  if (source.kind === 'path') return async (opening) => hinted(source.path, openPath(source.path, opening), opening);
  return async (opening) => openStream(options.stdin ?? process.stdin, opening);
}

/** Warns of a container image that is taken for a layer. */
async function hinted(path: string, opened: Promise<Layer>, { onWarning }: Opening): Promise<Layer> {
  const layer = await opened;
  const hint = imageHint(path, layer.index, statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  if (hint !== undefined) onWarning(hint);
  return layer;
}

/** Most runs have plain layers only: what reads images is loaded when there is one. */
async function resolveImageReference(
  reference: string,
  source: ImageReference,
  options: ResolveOptions,
): Promise<ResolvedReference> {
  const { resolveStoredImage } = await import('./oci/resolve-stored.ts');
  return resolveStoredImage(source, openingOf(reference, options), options.platform);
}

async function resolveRegistryReference(
  reference: string,
  name: string,
  options: ResolveOptions,
): Promise<ResolvedReference> {
  const { resolveRegistry } = await import('./registry/resolve-registry.ts');
  return resolveRegistry(name, openingOf(reference, options), options.platform, options);
}

/** An image's documents are no layer: the reference alone is the place. */
function withReference(error: unknown, reference: string): unknown {
  if (!(error instanceof ImageError) || error.context.reference === reference) return error;
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return new ImageError(error.code, error.what, { ...error.context, layer: undefined, reference }, cause);
}
