import { randomBytes } from 'node:crypto';
import { BLOCK_BYTES, type BlockMap } from './block-map.ts';
import type { DeltaFile } from './delta-file.ts';
import { encodePage, type MapRun, PAGE_RECORDS_MAX, putRecord } from './delta-format.ts';
import type { UnitAllocator } from './unit-allocator.ts';

/** Chains up to this many pages longer than their checkpoint, or than twice it, are not worth a new checkpoint. */
const GROWTH_PAGES = 4;

const ZEROS = new Uint8Array(BLOCK_BYTES);

/**
 * The pages in which a delta's map is written: a checkpoint of the whole map, then each change as it is made, each page
 * naming the unit of the next. A record that was written stays as it is, so that a torn write damages only what was not
 * durable yet. Writes nothing in the background, and syncs nothing.
 */
export class MapChain {
  /** Random: pages of other chains, and data that looks like a page, are not taken for one of this. */
  readonly id = randomBytes(8);
  readonly #file: DeltaFile;
  readonly #allocator: UnitAllocator;
  /** Units of the pages that are written. */
  readonly #pages: number[] = [];
  /** The last page, and how many records it has. */
  #last: Uint8Array = ZEROS;
  #lastCount = PAGE_RECORDS_MAX;
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
      let runs: MapRun[] = [];
      for (const run of map.runs()) {
        if (runs.push(run) < PAGE_RECORDS_MAX) continue;
        chain.#addPage(runs);
        runs = [];
      }
      if (runs.length > 0 || chain.#pages.length === 0) chain.#addPage(runs);
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

  get records(): number {
    return (this.#pages.length - 1) * PAGE_RECORDS_MAX + this.#lastCount;
  }

  get isLong(): boolean {
    return this.#pages.length > 2 * this.#checkpointPages + GROWTH_PAGES;
  }

  /** Takes room on the disk for a record and that many pages more, so that appending does not fail for want of it. */
  reserve(spare: number): void {
    const pages = spare + (this.#lastCount === PAGE_RECORDS_MAX ? 1 : 0);
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

  /** Writes a record. When that fails nothing was appended, and it may be done again. */
  append(run: MapRun): void {
    if (this.#lastCount === PAGE_RECORDS_MAX) {
      this.#addPage([run]);
      return;
    }
    const { at, end } = putRecord(this.#last, this.#lastCount, run);
    this.#file.write(this.#pages.at(-1)! * BLOCK_BYTES + at, this.#last.subarray(at, end));
    this.#lastCount++;
  }

  /** Gives all units back. */
  release(): void {
    for (const unit of [...this.#pages, ...this.#coming]) this.#allocator.free({ unit, count: 1 });
  }

  #addPage(runs: readonly MapRun[]): void {
    const page = encodePage(this.id, this.#pages.length, { next: this.#unitOf(1), runs });
    this.#file.write(this.#unitOf(0) * BLOCK_BYTES, page);
    this.#pages.push(this.#coming.shift()!);
    this.#backedCount = Math.max(this.#backedCount - 1, 0);
    this.#last = page;
    this.#lastCount = runs.length;
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
