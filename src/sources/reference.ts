import { existsSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { ImageError, type ImageErrorContext } from '../core/errors.ts';

/** A container image that is kept on this host. */
export interface ImageReference {
  readonly kind: 'oci' | 'oci-archive' | 'docker-archive';
  readonly path: string;
  /** Which image of several: a tag, a digest, or a name of Docker's. */
  readonly name: string | undefined;
}

/** What a reference names. A path may still turn out to be a directory. */
export type Reference =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'path' | 'directory'; readonly path: string }
  | ImageReference
  /** An image in a registry: what follows `docker:`. */
  | { readonly kind: 'docker'; readonly name: string };

const TRANSPORT = /^([a-z][a-z0-9-]*):(.*)$/s;

/** What is read, for who asked for something else. */
const EXPECTED = 'a file, a directory, dir:, oci:, oci-archive:, docker-archive:, docker:// or -';

/** Reads a reference: `-`, a path, or a transport and what it names. Throws `option-invalid` for anything else. */
export function parseReference(reference: string, context: ImageErrorContext): Reference {
  if (reference === '-') return { kind: 'stdin' };
  if (reference === '') throw new ImageError('option-invalid', 'the layer reference is empty', context);
  const [, transport, rest = ''] = TRANSPORT.exec(reference) ?? [];
  if (transport === 'dir' && rest !== '') return { kind: 'directory', path: rest };
  if (transport === 'oci' || transport === 'oci-archive' || transport === 'docker-archive') {
    if (rest !== '') return { kind: transport, ...splitName(rest) };
  }
  if (transport === 'docker' && rest.startsWith('//')) return { kind: 'docker', name: rest };
  if (transport !== undefined && !existsSync(reference)) {
    throw new ImageError('option-invalid', `no layers are read from ${transport}:, expected ${EXPECTED}`, context);
  }
  return { kind: 'path', path: reference };
}

/** `PATH:NAME`, as skopeo has it: the path ends at the first colon. */
function splitName(text: string): { path: string; name: string | undefined } {
  const colon = text.indexOf(':');
  if (colon < 0) return { path: text, name: undefined };
  return { path: text.slice(0, colon), name: text.slice(colon + 1) || undefined };
}

/**
 * The reference to the same from another folder: both folders are absolute. What names no path, or an absolute one, stays as it is.
 * Throws `option-invalid` for a path that the transport cannot name.
 */
export function rebaseReference(reference: string, from: string, to: string): string {
  if (from === to) return reference;
  const source = parseReference(reference, { reference });
  if (source.kind === 'stdin' || source.kind === 'docker' || isAbsolute(source.path)) return reference;
  const moved = relative(to, resolve(from, source.path)) || '.';
  const path = moved.startsWith('..') ? moved : `./${moved}`;
  if (!('name' in source)) return source.kind === 'path' ? path : `dir:${path}`;
  if (path.includes(':')) throw new ImageError('option-invalid', `${reference} cannot be named from ${to}`);
  return [source.kind, path, ...(source.name === undefined ? [] : [source.name])].join(':');
}
