import type { Writable } from 'node:stream';
import type { Filters } from './core/ware/filters.ts';
import { packTar } from './core/ware/pack-tar.ts';
import { type Fileset, readFileset } from './core/ware/read-fileset.ts';
import { writeFileset, type WriteFilesetOptions } from './sinks/fileset-sink.ts';
import { writePieces } from './sinks/piece-sink.ts';
import { sha384 } from './sources/ware/fileset.ts';

/** How a fileset is unpacked. */
export interface UnpackOptions extends WriteFilesetOptions {
  readonly filters: Filters;
  /** Replace a tar that exists. */
  readonly force?: boolean | undefined;
}

/**
 * Writes a fileset as a directory, or as a tar to a path or a stream; returns the hash of what filters made of it. Throws
 * `ware-filtered`, `output-exists`, `output-failed`; then nothing is left behind.
 */
export async function unpackFileset(
  fileset: Fileset,
  output: { readonly directory: string } | { readonly tar: string | Writable },
  { filters, force, ...options }: UnpackOptions,
): Promise<string> {
  const events = readFileset(fileset, { filters, sha384, wholeSeconds: false });
  if ('directory' in output) return writeFileset(events, output.directory, options);
  let hash = '';
  const pieces = function* (): Generator<Uint8Array, void> {
    hash = yield* packTar(events);
  };
  await writePieces(pieces(), output.tar, { force, signal: options.signal });
  return hash;
}
