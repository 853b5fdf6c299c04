import { randomBytes } from 'node:crypto';
import { BLOCK_BYTES, type BlockMap } from './block-map.ts';
import type { DeltaFile } from './delta-file.ts';
import { encodePage, type MapRun, PAGE_RECORDS_MAX } from './delta-format.ts';
import type { UnitAllocator } from './unit-allocator.ts';

/** Chains up to this many pages longer than their checkpoint, or than twice it, are not worth a new checkpoint. */
const GROWTH_PAGES = 16;

const ZEROS = new Uint8Array(BLOCK_BYTES);

/**
 * The pages in which a delta's map is written: a checkpoint of the whole map, then what changed since, each page naming the
 * unit of the next. A page that was written is never written again with other records, so that a torn write damages only
 * what was not durable yet. Writes nothing in the background, and syncs nothing.
 */
export class MapChain {
  /** Random: pages of other chains, and data that looks like a page, are not taken for one of this. */
  readonly id = randomBytes(8);
  readonly #file: DeltaFile;
  readonly #allocator: UnitAllocator;
  /** Units of the pages that are written. */
  readonly #pages: number[] = [];
  /** Units of the pages that come next, at least one; the first `#backedCount` have their room on the disk. */
  readonly #coming: number[] = [];
  #backedCount = 0;
  #checkpointPages = 0;

  private constructor(file: DeltaFile, allocator: UnitAllocator) {
    this.#file = file;
    this.#allocator = allocator;
  }

  /** Writes the whole map as a new chain, with room for `spare` more pages. What it took is given back when that fails. */
  static checkpoint(map: BlockMap, file: DeltaFile, allocator: UnitAllocator, spare = 0): MapChain {
    const chain = new MapChain(file, allocator);
    try {
      chain.append(map.runs());
      chain.#checkpointPages = chain.#pages.length;
      chain.reserve(spare);
      return chain;
    } catch (error) {
      chain.release();
      throw error;
    }
  }

  get firstPage(): number {
    return this.#pages[0]!;
  }

  get checkpointPages(): number {
    return this.#checkpointPages;
  }

  get isLong(): boolean {
    return this.#pages.length > 2 * this.#checkpointPages + GROWTH_PAGES;
  }

  /** Takes room on the disk for that many pages, so that appending them does not fail for want of it. */
  reserve(pages: number): void {
    while (this.#backedCount < pages) {
      const unit = this.#unitOf(this.#backedCount);
      try {
        this.#file.write(unit * BLOCK_BYTES, ZEROS);
      } catch (error) {
        this.#giveBackLast();
        throw error;
      }
      this.#backedCount++;
    }
  }

  /** Writes runs in new pages, at least one. When that fails nothing was appended, and it may be done again. */
  append(runs: Iterable<MapRun>): void {
    let count = 0;
    let records: MapRun[] = [];
    const writePage = (): void => {
      const page = { next: this.#unitOf(count + 1), runs: records };
      const index = this.#pages.length + count;
      this.#file.write(this.#unitOf(count) * BLOCK_BYTES, encodePage(this.id, index, page));
      count++;
      records = [];
    };
    for (const run of runs) {
      if (records.length === PAGE_RECORDS_MAX) writePage();
      records.push(run);
    }
    writePage();
    this.#pages.push(...this.#coming.splice(0, count));
    this.#backedCount = Math.max(this.#backedCount - count, 0);
  }

  /** Gives all units back. */
  release(): void {
    for (const unit of [...this.#pages, ...this.#coming]) this.#allocator.free({ unit, count: 1 });
  }

  /** The unit of a page to come. */
  #unitOf(index: number): number {
    while (this.#coming.length <= index) this.#coming.push(this.#allocator.allocate(1).unit);
    return this.#coming[index]!;
  }

  /** Another unit may have its room on the disk; only the first is named by a page that is written. */
  #giveBackLast(): void {
    if (this.#coming.length > 1) this.#allocator.free({ unit: this.#coming.pop()!, count: 1 });
  }
}
