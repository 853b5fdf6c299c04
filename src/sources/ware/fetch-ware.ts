import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ImageError } from '../../core/errors.ts';
import { formatWareId, type PackType, type WareId } from '../../core/ware/ware-id.ts';
import type { Layer } from '../layer.ts';
import type { Opening } from '../opening.ts';
import { refusal } from '../registry/answer.ts';
import { exchange, type ExchangeOptions } from '../registry/exchange.ts';
import { HttpPolicy } from '../registry/http-policy.ts';
import { DEFAULT_TIMING, persist, type Timing } from '../registry/patience.ts';
import { openPackedFile, openPackedStream } from './open-ware.ts';
import { parseWarehouse, placeOf, refuseNothing, type WarehouseAddress } from './warehouse-address.ts';

/**
 * The packed ware from the first of some warehouses that has it; nothing is verified yet. Throws `option-invalid` for what is no
 * address, `warehouse-unavailable` when there is none that answers, `ware-not-found`, or what opening it throws.
 */
export async function fetchPacked(
  id: WareId,
  warehouses: readonly string[],
  opening: Opening,
  timing: Timing = DEFAULT_TIMING,
): Promise<Layer> {
  refuseNothing(id);
  const addresses = warehouses.map(parseWarehouse);
  const failures: ImageError[] = [];
  for (const address of addresses) {
    try {
      return await openFrom(address, placeOf(address, id), id.type, opening, timing);
    } catch (error) {
      if (!isAbsence(error)) throw error;
      failures.push(error);
    }
  }
  const isAnywhere = failures.some(({ code }) => code === 'ware-not-found');
  if (addresses.length === 1) throw failures[0]!;
  if (isAnywhere) throw new ImageError('ware-not-found', `none of its warehouses has ${formatWareId(id)}`);
  const what = addresses.length === 0 ? 'no warehouse is named' : failures.map((failure) => failure.message).join('; ');
  throw new ImageError('warehouse-unavailable', `${formatWareId(id)} cannot be fetched: ${what}`);
}

/** The packed fileset at an address that is no content-addressed warehouse. Throws as `fetchPacked` does. */
export async function openAddress(
  text: string,
  type: PackType,
  opening: Opening,
  timing: Timing = DEFAULT_TIMING,
): Promise<Layer> {
  const address = parseWarehouse(text);
  if (address.isContentAddressed)
    throw new ImageError('option-invalid', `${text} holds wares by name, and none is named`);
  return openFrom(address, address.place, type, opening, timing);
}

function isAbsence(error: unknown): error is ImageError {
  return error instanceof ImageError && (error.code === 'ware-not-found' || error.code === 'warehouse-unavailable');
}

async function openFrom(
  address: WarehouseAddress,
  place: string,
  type: PackType,
  opening: Opening,
  timing: Timing,
): Promise<Layer> {
  if (address.transport === 'http') return download(new URL(place), type, opening, timing);
  checkFolder(address);
  if (!existsSync(place)) throw new ImageError('ware-not-found', `${address.text}: the ware is not there`);
  return openPackedFile(place, type, opening);
}

/** A warehouse of files is there when its directory is. */
function checkFolder({ text, place, isContentAddressed }: WarehouseAddress): void {
  const folder = isContentAddressed ? place : dirname(place);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new ImageError('warehouse-unavailable', `${text}: ${folder} is no directory`);
}

/** Tried again where that may help, from the start. */
async function download(url: URL, type: PackType, opening: Opening, timing: Timing): Promise<Layer> {
  const options: ExchangeOptions = {
    // Who names a warehouse without TLS has allowed it.
    policy: new HttpPolicy([url.host]),
    timing,
    answered: new Set(),
    signal: opening.signal,
    onWarning: opening.onWarning,
  };
  try {
    return await persist(async () => {
      const answer = await exchange(url, {}, options);
      if (answer.status !== 200) throw await refusal(answer);
      return openPackedStream(answer.bytes(), type, opening);
    }, options);
  } catch (error) {
    throw warehouseFailure(error, url);
  }
}

/** What the client of registries says, of a warehouse. */
function warehouseFailure(error: unknown, url: URL): unknown {
  if (!(error instanceof ImageError)) return error;
  const place = `${url.origin}${url.pathname}`;
  if (error.code === 'layer-not-found') return new ImageError('ware-not-found', `${place}: ${error.what}`);
  if (error.code !== 'registry-failed' && error.code !== 'registry-denied') return error;
  return new ImageError('warehouse-unavailable', `${place}: ${error.what}`, {}, { cause: error });
}
