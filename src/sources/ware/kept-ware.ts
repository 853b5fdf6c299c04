import { createHash } from 'node:crypto';
import { formatWareId, type WareId } from '../../core/ware/ware-id.ts';
import type { Layer } from '../layer.ts';
import type { Opening } from '../opening.ts';
import { openTarFile } from '../open-tar.ts';
import { openCachedBlob } from '../store/blob-store.ts';
import { recordDiffId, recordedDiffId } from '../store/source-records.ts';

/** A name in the cache for what a WareID was verified to name. */
const keyOf = (id: WareId): string =>
  createHash('sha256')
    .update(`ware\0${formatWareId(id)}`)
    .digest('hex');

/** A ware that was fetched and verified before, where the cache still has it. */
export async function openKeptWare(id: WareId, opening: Opening): Promise<Layer | undefined> {
  const { cache, onProgress } = opening;
  if (cache === undefined) return undefined;
  const diffId = recordedDiffId(cache, 'sources', keyOf(id));
  const blob = diffId === undefined ? undefined : await openCachedBlob(cache, diffId, onProgress);
  return diffId === undefined || blob === undefined
    ? undefined
    : openTarFile({ ...blob, diffId, isCached: true }, opening);
}

/** Notes that a layer of the cache is the ware of that name, verified. */
export function keepWare(id: WareId, { diffId }: Layer, { cache, onWarning }: Opening): void {
  if (cache === undefined || diffId === undefined) return;
  try {
    recordDiffId(cache, 'sources', keyOf(id), diffId, formatWareId(id));
  } catch (error) {
    onWarning(`the cache ${cache} does not record the ware: ${(error as Error).message}`);
  }
}
