import type { Filters } from './core/ware/filters.ts';
import { packTar } from './core/ware/pack-tar.ts';
import { packZip } from './core/ware/pack-zip.ts';
import { type Fileset, readFileset } from './core/ware/read-fileset.ts';
import type { PackType, WareId } from './core/ware/ware-id.ts';
import { saveWare } from './sinks/ware-sink.ts';
import { drain } from './sources/ware/drain.ts';
import { sha384 } from './sources/ware/fileset.ts';

/** How a fileset becomes a ware. */
export interface PackWareOptions {
  readonly type: PackType;
  readonly filters: Filters;
  /** Where it is saved; default: nowhere, and it gets its name only. */
  readonly target?: string | undefined;
  /** Whether times lose what is below a second; default true, as rio packs. */
  readonly wholeSeconds?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Packs a fileset, which is read whole. Throws `ware-filtered`, `pack-invalid`, and what saving it throws. */
export async function packWare(fileset: Fileset, options: PackWareOptions): Promise<WareId> {
  const { type, filters, target, signal, wholeSeconds = true } = options;
  const events = readFileset(fileset, { filters, sha384, wholeSeconds });
  if (target === undefined) return { type, hash: await drain(events, signal) };
  return saveWare(type === 'zip' ? packZip(events) : packTar(events), type, target, signal);
}
