import { ImageError } from '../../core/errors.ts';
import { LOSSLESS } from '../../core/ware/filters.ts';
import { readFileset } from '../../core/ware/read-fileset.ts';
import { formatWareId, type PackType, type WareId } from '../../core/ware/ware-id.ts';
import { placed, sourceFailure } from '../failure.ts';
import type { Layer } from '../layer.ts';
import { type Opening, openingOf, type OpenLayerOptions } from '../opening.ts';
import { drain } from './drain.ts';
import { fetchPacked, openAddress } from './fetch-ware.ts';
import { filesetOfWare, type OpenFileset, sha384 } from './fileset.ts';
import { openPackedFile } from './open-ware.ts';
import { isWarehouseAddress } from './warehouse-address.ts';

/**
 * A ware from the first of its warehouses that has it, verified: all of it was read once, and has the hash that was asked for. Throws
 * `ware-mismatch`, `ware-not-found`, `warehouse-unavailable`, `ware-corrupt`.
 */
export async function openWare(
  id: WareId,
  warehouses: readonly string[],
  options: OpenLayerOptions = {},
): Promise<OpenFileset> {
  const reference = formatWareId(id);
  const fileset = await openPlaced(reference, options, async (opening) => fetchPacked(id, warehouses, opening));
  try {
    const reading = readFileset(fileset, { filters: LOSSLESS, sha384, wholeSeconds: false });
    const hash = await drain(reading, options.signal);
    if (hash === id.hash) return fileset;
    throw new ImageError('ware-mismatch', `${reference} was asked for, and what came is ${id.type}:${hash}`);
  } catch (error) {
    fileset.close();
    throw error;
  }
}

/** The fileset that is packed at a path of the host or an address, whatever its name is. */
export async function openPacked(place: string, type: PackType, options: OpenLayerOptions = {}): Promise<OpenFileset> {
  return openPlaced(place, options, async (opening) =>
    isWarehouseAddress(place) ? openAddress(place, type, opening) : openPackedFile(place, type, opening),
  );
}

async function openPlaced(
  reference: string,
  options: OpenLayerOptions,
  open: (opening: Opening) => Promise<Layer>,
): Promise<OpenFileset> {
  const opening = openingOf(reference, options);
  const context = { reference: opening.context.reference };
  opening.signal?.throwIfAborted();
  try {
    return filesetOfWare(await open(opening));
  } catch (error) {
    opening.signal?.throwIfAborted();
    throw placed(sourceFailure(error, context), context);
  }
}
