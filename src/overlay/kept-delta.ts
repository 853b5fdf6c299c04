import { BLOCK_BYTES, type BlockMap, ZERO } from './block-map.ts';
import { ChangeLog } from './change-log.ts';
import { type Delta, unitsOf } from './delta.ts';
import type { DeltaFile } from './delta-file.ts';
import { encodeHeader, type Header } from './delta-format.ts';
import { MapChain } from './map-chain.ts';
import type { UnitAllocator, UnitRun } from './unit-allocator.ts';

/** More runs of changes, or more units given back, are not kept in memory until a client flushes. */
const CHANGES_MAX = 65_536;
const RELEASED_UNITS_MAX = 65_536;

/** Pages that writes leave room for: on a full disk blocks are given back in one, and the other is where the map goes on. */
const SPARE_PAGES = 2;

/** What a delta's file says when it is opened. */
export interface DeltaState {
  readonly header: Header;
  readonly map: BlockMap;
  /** Knows the units of the map and of the pages it was read from. */
  readonly allocator: UnitAllocator;
  /** The units of those pages. */
  readonly pages: readonly number[];
}

/**
 * A delta that survives kill -9 and power loss: data is synced before the map that leads to it, and a unit that a durable map
 * leads to holds nothing else until a later map is durable. docs/delta-format.md has the format.
 */
export class KeptDelta implements Delta {
  readonly map: BlockMap;
  readonly file: DeltaFile;
  #header: Header;
  #chain: MapChain;
  readonly #allocator: UnitAllocator;
  readonly #changes = new ChangeLog();
  /** Given back, but a durable map may lead to them. */
  #released: UnitRun[] = [];
  #releasedUnits = 0;
  #last: Promise<void> = Promise.resolve();
  /** A commit that has not begun, and will have everything changed until it does. */
  #waiting: Promise<void> | undefined;
  /** What syncing failed with: the kernel says it once, and the data may be gone. */
  #failure: Error | undefined;
  readonly #onClose: () => void;

  private constructor(file: DeltaFile, state: DeltaState, chain: MapChain, onClose: () => void) {
    this.file = file;
    this.map = state.map;
    this.#allocator = state.allocator;
    this.#header = state.header;
    this.#chain = chain;
    this.#onClose = onClose;
  }

  /**
   * Goes on with the delta in `file`, in a new chain of pages: whatever was left of the last one by a crash is of no account
   * then. Throws the system's error.
   */
  static async resume(file: DeltaFile, state: DeltaState, onClose: () => void): Promise<KeptDelta> {
    const chain = MapChain.checkpoint(state.map, file, state.allocator);
    const delta = new KeptDelta(file, state, chain, onClose);
    await file.datasync();
    delta.#begin(chain);
    await file.datasync();
    for (const unit of state.pages) state.allocator.free({ unit, count: 1 });
    return delta;
  }

  allocate(countMax: number): UnitRun {
    return this.#allocator.allocate(countMax);
  }

  free(run: UnitRun): void {
    this.#allocator.free(run);
  }

  set(block: number, count: number, value: number): void {
    this.#chain.reserve(this.#changes.pagesWithOneMore + (value === ZERO ? 0 : SPARE_PAGES));
    for (const run of unitsOf(this.map, block, count)) {
      this.#released.push(run);
      this.#releasedUnits += run.count;
    }
    this.map.set(block, count, value);
    this.#changes.push(block, count, value);
    if (this.#changes.length > CHANGES_MAX || this.#releasedUnits > RELEASED_UNITS_MAX) {
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

  /** Makes durable what is there now: data, then map. */
  async #commit(): Promise<void> {
    const released = this.#released.length;
    const old = this.#chain.isLong ? this.#tryCheckpoint() : undefined;
    const changes = this.#changes.seal();
    await this.#sync();
    if (old !== undefined) this.#tryBegin(this.#chain);
    else if (changes > 0) this.#chain.append(this.#changes.first(changes));
    else return;
    await this.#sync();
    this.#changes.drop(changes);
    for (const run of this.#released.splice(0, released)) {
      this.#allocator.free(run);
      this.#releasedUnits -= run.count;
    }
    old?.release();
  }

  /**
   * Goes on in a new chain that has everything, and returns the old one. What changes from here on is written in the new
   * one, and has its room there. Undefined where the disk has no room for it; the old chain may have.
   */
  #tryCheckpoint(): MapChain | undefined {
    const old = this.#chain;
    try {
      this.#chain = MapChain.checkpoint(this.map, this.file, this.#allocator, SPARE_PAGES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return undefined;
    }
    this.#changes.drop(this.#changes.length);
    return old;
  }

  /** Makes the header name a chain, which is on the disk. The other header stays, should this one be torn. */
  #begin(chain: MapChain): void {
    const { id, firstPage, checkpointPages } = chain;
    const generation = this.#header.generation + 1;
    const header = { ...this.#header, chainId: id, generation, firstPage, checkpointPages };
    this.file.write((generation % 2) * BLOCK_BYTES, encodeHeader(header));
    this.#header = header;
  }

  /** Once it is unknown which chain the header names, none can be gone on with. */
  #tryBegin(chain: MapChain): void {
    try {
      this.#begin(chain);
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  async #sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.file.datasync();
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }
}
