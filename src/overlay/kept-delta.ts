import { BLOCK_BYTES, type BlockMap, ZERO } from './block-map.ts';
import { type Delta, unitsOf } from './delta.ts';
import { NO_BOOT } from './boot-id.ts';
import type { DeltaFile } from './delta-file.ts';
import { encodeHeader, type Header, type MapRun } from './delta-format.ts';
import { MapChain } from './map-chain.ts';
import type { UnitAllocator, UnitRun } from './unit-allocator.ts';

/** More records that are not synced, or more units given back, do not wait until a client flushes. */
const UNSYNCED_RECORDS_MAX = 65_536;
const RELEASED_UNITS_MAX = 65_536;

/** Pages that writes leave room for: on a full disk blocks are given back in one, and the other is where the map goes on. */
const SPARE_PAGES = 2;

/** What a delta's file says when it is opened. */
export interface DeltaState {
  readonly header: Header;
  readonly map: BlockMap;
  /** Of the header's chain, in the map. */
  readonly records: number;
  /** Knows the units of the map and of the pages it was read from. */
  readonly allocator: UnitAllocator;
  /** The units of those pages. */
  readonly pages: readonly number[];
  /** The boot id of now. */
  readonly boot: Uint8Array;
}

/**
 * A delta that survives kill -9 with all that was answered, as the page cache has it, and power loss with what was flushed:
 * a header counts the records of the map that are synced with their data, and a unit that those lead to holds nothing else
 * until a header counts a later record. docs/delta-format.md has the format.
 */
export class KeptDelta implements Delta {
  readonly map: BlockMap;
  readonly file: DeltaFile;
  #header: Header;
  #chain: MapChain;
  readonly #allocator: UnitAllocator;
  /** What changed since a checkpoint was written that the header does not name yet. */
  #sinceCheckpoint: MapRun[] | undefined;
  /** Given back, but a durable map may lead to them. */
  #released: UnitRun[] = [];
  #releasedUnits = 0;
  #last: Promise<void> = Promise.resolve();
  /** A commit that has not begun, and will have everything changed until it does. */
  #waiting: Promise<void> | undefined;
  /** What syncing failed with: the kernel says it once, and the data may be gone. */
  #failure: Error | undefined;
  readonly #onClose: () => void;

  private constructor(file: DeltaFile, state: DeltaState, header: Header, chain: MapChain, onClose: () => void) {
    this.file = file;
    this.map = state.map;
    this.#allocator = state.allocator;
    this.#header = header;
    this.#chain = chain;
    this.#onClose = onClose;
  }

  /** Goes on with the delta in `file`, in a new chain of pages. Throws the system's error. */
  static async resume(file: DeltaFile, state: DeltaState, onClose: () => void): Promise<KeptDelta> {
    let { header } = state;
    // A killed process may have left a map that only the page cache has, and the disk one that leads to units free in it.
    await syncOrDistrust(file, header);
    if (state.records > header.syncedRecords) {
      header = writeHeader(file, header, { syncedRecords: state.records });
      await file.datasync();
    }
    const chain = MapChain.checkpoint(state.map, file, state.allocator);
    await file.datasync();
    const { id, firstPage, records } = chain;
    header = writeHeader(file, header, { chainId: id, firstPage, syncedRecords: records, bootId: state.boot });
    await file.datasync();
    for (const unit of state.pages) state.allocator.free({ unit, count: 1 });
    return new KeptDelta(file, state, header, chain, onClose);
  }

  allocate(countMax: number): UnitRun {
    return this.#allocator.allocate(countMax);
  }

  free(run: UnitRun): void {
    this.#allocator.free(run);
  }

  set(block: number, count: number, value: number): void {
    const record = { block, count, value };
    this.#chain.reserve(value === ZERO ? 0 : SPARE_PAGES);
    this.#chain.append(record);
    this.#sinceCheckpoint?.push(record);
    for (const run of unitsOf(this.map, block, count)) {
      this.#released.push(run);
      this.#releasedUnits += run.count;
    }
    this.map.set(block, count, value);
    const unsynced = this.#chain.records - this.#header.syncedRecords;
    if (unsynced > UNSYNCED_RECORDS_MAX || this.#releasedUnits > RELEASED_UNITS_MAX) {
      // Should it fail, so will the flush of a client.
      this.flush().catch(() => undefined);
    }
  }

  flush(): Promise<void> {
    return this.#waiting ?? this.#schedule();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.file.close();
      this.#onClose();
    }
  }

  #schedule(): Promise<void> {
    const begin = (): Promise<void> => {
      this.#waiting = undefined;
      return this.#commit();
    };
    this.#waiting = this.#last.then(begin, begin);
    this.#last = this.#waiting;
    return this.#waiting;
  }

  /** Makes durable what is there now: data and records, then the header that counts them. */
  async #commit(): Promise<void> {
    const released = this.#released.length;
    const chain = this.#chain;
    const { records } = chain;
    const checkpoint = chain.isLong ? this.#tryCheckpoint() : undefined;
    const checkpointRecords = checkpoint?.records;
    await this.#sync();
    if (checkpoint !== undefined && this.#tryCatchUp(checkpoint)) {
      this.#tryWriteHeader({
        chainId: checkpoint.id,
        firstPage: checkpoint.firstPage,
        syncedRecords: checkpointRecords!,
      });
      this.#chain = checkpoint;
    } else if (records > this.#header.syncedRecords) {
      this.#tryWriteHeader({ syncedRecords: records });
    } else return;
    await this.#sync();
    for (const run of this.#released.splice(0, released)) {
      this.#allocator.free(run);
      this.#releasedUnits -= run.count;
    }
    if (this.#chain !== chain) chain.release();
  }

  /** The map in a new chain, or undefined where the disk has no room for it; the old chain may have. */
  #tryCheckpoint(): MapChain | undefined {
    try {
      const chain = MapChain.checkpoint(this.map, this.file, this.#allocator, SPARE_PAGES);
      this.#sinceCheckpoint = [];
      return chain;
    } catch (error) {
      throwUnlessOfSystem(error);
      return undefined;
    }
  }

  /** Adds to a new chain what changed since; false where the disk has no room for it, and the new chain is gone. */
  #tryCatchUp(checkpoint: MapChain): boolean {
    const changes = this.#sinceCheckpoint!;
    this.#sinceCheckpoint = undefined;
    try {
      for (const run of changes) {
        checkpoint.reserve(0);
        checkpoint.append(run);
      }
      return true;
    } catch (error) {
      checkpoint.release();
      throwUnlessOfSystem(error);
      return false;
    }
  }

  /** Once it is unknown what the header says, nothing can be gone on with. */
  #tryWriteHeader(changes: Partial<Header>): void {
    try {
      this.#header = writeHeader(this.file, this.#header, changes);
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  async #sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await syncOrDistrust(this.file, this.#header);
    } catch (error) {
      this.#failure = error as Error;
      this.#sinceCheckpoint = undefined;
      throw error;
    }
  }
}

function throwUnlessOfSystem(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
}

/** Writes the header that comes after `header`. The other one stays, should this be torn. */
function writeHeader(file: DeltaFile, header: Header, changes: Partial<Header>): Header {
  const generation = header.generation + 1;
  const next = { ...header, ...changes, generation };
  file.write((generation % 2) * BLOCK_BYTES, encodeHeader(next));
  return next;
}

/** When syncing fails the kernel may forget what it was to write: then no boot trusts what the header does not count. */
async function syncOrDistrust(file: DeltaFile, header: Header): Promise<void> {
  try {
    await file.datasync();
  } catch (error) {
    writeHeader(file, header, { bootId: NO_BOOT });
    throw error;
  }
}
