import { BLOCK_BYTES, BlockMap } from './block-map.ts';
import { type Delta, unitsOf } from './delta.ts';
import { type DeltaFile, unlinkedFile } from './delta-file.ts';
import { UnitAllocator, type UnitRun } from './unit-allocator.ts';

/**
 * A delta that is gone when it is closed. It is in a file without a name from the first block on: what memory has room for
 * stays in the page cache, which is as fast as memory of our own, and what it has no room for needs no second way.
 */
export class ScratchDelta implements Delta {
  readonly map: BlockMap;
  readonly file: DeltaFile;
  readonly #allocator = new UnitAllocator();

  /** For an image of `size` bytes. */
  constructor(size: number, file: DeltaFile = unlinkedFile()) {
    this.map = new BlockMap(Math.ceil(size / BLOCK_BYTES));
    this.file = file;
  }

  allocate(countMax: number): UnitRun {
    return this.#allocator.allocate(countMax);
  }

  free(run: UnitRun): void {
    this.#allocator.free(run);
  }

  set(block: number, count: number, value: number): void {
    for (const run of unitsOf(this.map, block, count)) this.#allocator.free(run);
    this.map.set(block, count, value);
  }

  /** Nothing of it is to survive anything. */
  flush(): void {}

  close(): void {
    this.file.close();
  }
}
