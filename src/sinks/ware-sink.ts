import { randomBytes } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ImageError } from '../core/errors.ts';
import type { PackType, WareId } from '../core/ware/ware-id.ts';
import { parseWarehouse, placeOf, type WarehouseAddress } from '../sources/ware/warehouse-address.ts';
import { reasonOf } from './failure.ts';

/** What is packed: its pieces, each good until the next is asked for, and at the end its hash. */
export type Packing = Generator<Uint8Array, string>;

/** How much is compressed at once, in bytes. */
const BATCH_BYTES = 256 * 1024;

/**
 * Saves a ware in a warehouse of files, under a temporary name that is renamed when all of it is there; a tar is compressed with gzip,
 * as rio's are. A ware of the same name is replaced. Throws `option-invalid` for another warehouse, `warehouse-unavailable` where there
 * is none, `warehouse-unwritable`, or what packing throws; then nothing is left behind.
 */
export async function saveWare(
  packing: Packing,
  type: PackType,
  warehouse: string,
  signal?: AbortSignal,
): Promise<WareId> {
  const address = parseWarehouse(warehouse);
  if (address.transport !== 'file')
    throw new ImageError('option-invalid', `${warehouse} is read only; wares are saved to file:// and ca+file://`);
  await checkFolder(address);
  const temporary = temporaryOf(address);
  try {
    const hash = await write(packing, type, temporary, warehouse, signal);
    const place = placeOf(address, { type, hash });
    await moveTo(place, temporary, address);
    return { type, hash };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function checkFolder({ text, place, isContentAddressed }: WarehouseAddress): Promise<void> {
  const folder = isContentAddressed ? place : dirname(place);
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory() !== true)
    throw new ImageError('warehouse-unavailable', `${text}: ${folder} is no directory`);
}

function temporaryOf({ place, isContentAddressed }: WarehouseAddress): string {
  const random = randomBytes(12).toString('hex');
  if (isContentAddressed) return join(place, `.tmp.upload.${random}`);
  return join(dirname(place), `.tmp.upload.${basename(place)}.${random}`);
}

async function write(
  packing: Packing,
  type: PackType,
  path: string,
  warehouse: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const packed = new Packed(packing);
  const file = createWriteStream(path, { flags: 'wx', mode: 0o644 });
  try {
    await pipe(packed, type, file, signal);
    await syncFile(path);
  } catch (error) {
    signal?.throwIfAborted();
    throw unwritable(warehouse, error);
  }
  return packed.hash;
}

async function pipe(packed: Packed, type: PackType, file: WriteStream, signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  if (type === 'zip') await pipeline(packed.batches(), file, options);
  else await pipeline(packed.batches(), createGzip(), file, options);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function moveTo(place: string, temporary: string, { text }: WarehouseAddress): Promise<void> {
  try {
    await mkdir(dirname(place), { recursive: true });
    await rename(temporary, place);
  } catch (error) {
    throw unwritable(text, error);
  }
}

/** Pieces in memory of their own, as a stream keeps them; afterwards the hash. */
class Packed {
  hash = '';
  readonly #packing: Packing;

  constructor(packing: Packing) {
    this.#packing = packing;
  }

  *batches(): Generator<Uint8Array, void> {
    let batch = Buffer.allocUnsafe(BATCH_BYTES);
    let length = 0;
    for (let next = this.#packing.next(); ; next = this.#packing.next()) {
      if (next.done === true) {
        this.hash = next.value;
        break;
      }
      for (let done = 0; done < next.value.length; ) {
        const part = next.value.subarray(done, done + BATCH_BYTES - length);
        batch.set(part, length);
        length += part.length;
        done += part.length;
        if (length < BATCH_BYTES) continue;
        yield batch;
        batch = Buffer.allocUnsafe(BATCH_BYTES);
        length = 0;
      }
    }
    if (length > 0) yield batch.subarray(0, length);
  }
}

/** The failure of a system call on what is saved; other errors pass unchanged. */
function unwritable(warehouse: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  return new ImageError('warehouse-unwritable', `${warehouse}: ${reasonOf(error)}`, {}, { cause: error });
}
