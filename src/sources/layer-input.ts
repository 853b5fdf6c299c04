import type { InlineFiles } from './inline/inline-files.ts';

/** What layers are opened from: a reference, the same below a path of the image, or files that are described in place. */
export type LayerInput = string | ReferenceInput | InlineInput;

interface ReferenceInput {
  readonly reference: string;
  /** A directory of the image, `/srv/www`: the layers' root comes there. */
  readonly at?: string | undefined;
}

interface InlineInput {
  readonly files: InlineFiles;
  readonly at?: string | undefined;
}

/** How inputs of files are called in messages. */
export const INLINE_REFERENCE = 'files';

/** An input again, from what `resolveInput` made of it; `reference` is another one to the same, where there is one. */
export function inputOf(
  resolved: { readonly reference: string; readonly at?: string | undefined; readonly files?: InlineFiles | undefined },
  reference = resolved.reference,
): LayerInput {
  const { at, files } = resolved;
  if (files !== undefined) return { files, at };
  return at === undefined ? reference : { reference, at };
}

/** The reference of an input, or what files are called. */
export function referenceOf(input: LayerInput): string {
  if (typeof input === 'string') return input;
  return 'files' in input ? INLINE_REFERENCE : input.reference;
}
