import { ImageError } from '../../core/errors.ts';
import { LOSSLESS } from '../../core/ware/filters.ts';
import { readFileset } from '../../core/ware/read-fileset.ts';
import { formatWareId, type PackType, type WareId } from '../../core/ware/ware-id.ts';
import { placed, sourceFailure } from '../failure.ts';
import type { Layer } from '../layer.ts';
import { type Opening, type OpenLayerOptions, wareOpeningOf } from '../opening.ts';
import { openStream } from '../open-stream.ts';
import { drain } from './drain.ts';
import { fetchPacked, openAddress } from './fetch-ware.ts';
import { filesetOfWare, type OpenFileset, sha384 } from './fileset.ts';
import { openPackedFile, openPackedStream } from './open-ware.ts';
import { keepWare, openKeptWare } from './kept-ware.ts';
import { isWarehouseAddress, parseWarehouse } from './warehouse-address.ts';

/**
 * A ware from the first of its warehouses that has it, verified: all of it was read once, and has the hash that was asked for. One from
 * the web is kept in the cache, and not fetched again. Throws `ware-mismatch`, `ware-not-found`, `warehouse-unavailable`, `ware-corrupt`.
 */
export async function openWare(
  id: WareId,
  warehouses: readonly string[],
  options: OpenLayerOptions = {},
): Promise<OpenFileset> {
  const reference = formatWareId(id);
  const isOnTheWeb = warehouses.some((each) => parseWarehouse(each).transport === 'http');
  const opening = wareOpeningOf(reference, options);
  const kept = isOnTheWeb ? await openKeptWare(id, opening) : undefined;
  if (kept !== undefined) return filesetOfWare(kept);
  const fileset = await openPlaced(opening, async () => fetchPacked(id, warehouses, opening));
  try {
    await verify(fileset, id, options.signal);
    if (isOnTheWeb) keepWare(id, fileset.layers[0]!, opening);
    return fileset;
  } catch (error) {
    fileset.close();
    throw error;
  }
}

async function verify(fileset: OpenFileset, { type, hash }: WareId, signal: AbortSignal | undefined): Promise<void> {
  const found = await drain(readFileset(fileset, { filters: LOSSLESS, sha384, wholeSeconds: false }), signal);
  if (found === hash) return;
  throw new ImageError('ware-mismatch', `${type}:${hash} was asked for, and what came is ${type}:${found}`);
}

/** The fileset that is packed at a path of the host or an address, whatever its name is. */
export async function openPacked(place: string, type: PackType, options: OpenLayerOptions = {}): Promise<OpenFileset> {
  const opening = wareOpeningOf(place, options);
  return openPlaced(opening, async () =>
    isWarehouseAddress(place) ? openAddress(place, type, opening) : openPackedFile(place, type, opening),
  );
}

/** The fileset that is packed on standard input. */
export async function openPackedInput(type: PackType, options: OpenLayerOptions): Promise<OpenFileset> {
  const opening = wareOpeningOf('-', options);
  const { stdin = process.stdin } = options;
  // A zip is read from its end, so that all of it comes first.
  return openPlaced(opening, async () =>
    type === 'tar' ? openStream(stdin, opening) : openPackedStream(stdin, type, opening),
  );
}

async function openPlaced(
  { context: { reference }, signal }: Opening,
  open: () => Promise<Layer>,
): Promise<OpenFileset> {
  const context = { reference };
  signal?.throwIfAborted();
  try {
    return filesetOfWare(await open());
  } catch (error) {
    signal?.throwIfAborted();
    throw placed(sourceFailure(error, context), context);
  }
}
