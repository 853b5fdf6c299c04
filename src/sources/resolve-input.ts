import { placeBelow } from '../core/layer/place-below.ts';
import type { Layer } from './layer.ts';
import { INLINE_REFERENCE, type LayerInput } from './layer-input.ts';
import { imagePath, type InlineFiles } from './inline/inline-files.ts';
import type { Opening } from './opening.ts';
import type { LayerOpener, ResolvedReference } from './resolve.ts';
import { resolveReference, type ResolveOptions } from './resolve-reference.ts';

/** Finds what an input stands for. Throws ImageError with the reference. */
export async function resolveInput(input: LayerInput, options: ResolveOptions): Promise<ResolvedReference> {
  if (typeof input === 'string') return resolveReference(input, options);
  const at = input.at === undefined ? '' : imagePath(input.at);
  const { layers, ...resolved } =
    'files' in input
      ? { reference: INLINE_REFERENCE, files: input.files, layers: [inlineOpener(input.files)] }
      : await resolveReference(input.reference, options);
  return { ...resolved, at: input.at, layers: layers.map((open) => openerBelow(open, at)) };
}

function inlineOpener(files: InlineFiles): LayerOpener {
  return async (opening) => {
    const { openInline } = await import('./inline/open-inline.ts');
    return openInline(files, opening);
  };
}

function openerBelow(open: LayerOpener, at: string): LayerOpener {
  return async (opening: Opening): Promise<Layer> => {
    const layer = await open(opening);
    try {
      return { ...layer, index: placeBelow(layer.index, at) };
    } catch (error) {
      layer.blob.close();
      throw error;
    }
  };
}
