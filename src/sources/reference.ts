import { existsSync } from 'node:fs';
import { ImageError, type ImageErrorContext } from '../core/errors.ts';

/** What a layer reference names. A path may still turn out to be a directory. */
export type Reference =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string };

const TRANSPORT = /^([a-z][a-z0-9-]*):(.*)$/s;

/** Reads a layer reference: `-`, `dir:PATH` or a path. Throws `option-invalid` for anything else. */
export function parseReference(reference: string, context: ImageErrorContext): Reference {
  if (reference === '-') return { kind: 'stdin' };
  if (reference === '') throw new ImageError('option-invalid', 'the layer reference is empty', context);
  const [, transport, rest = ''] = TRANSPORT.exec(reference) ?? [];
  if (transport === 'dir' && rest !== '') return { kind: 'directory', path: rest };
  if (transport !== undefined && !existsSync(reference)) {
    const what = `no layers are read from ${transport}:, expected a file, a directory, dir:PATH or -`;
    throw new ImageError('option-invalid', what, context);
  }
  return { kind: 'path', path: reference };
}
