import { type BlockMap, FIRST_UNIT } from './block-map.ts';
import type { DeltaFile } from './delta-file.ts';
import type { UnitRun } from './unit-allocator.ts';

/** The blocks of an image that were changed, and where they are. Failures of the file pass as they are. */
export interface Delta {
  readonly map: BlockMap;
  /** Unit n is the bytes from n * BLOCK_BYTES on. */
  readonly file: DeltaFile;
  /** Takes at least one and at most `countMax` neighbouring units for blocks that are in none. */
  allocate(countMax: number): UnitRun;
  /** Gives back units that were not used after all. */
  free(run: UnitRun): void;
  /** Makes `count` blocks from `block` on zero, or puts them in units from `value` on, which are written. */
  set(block: number, count: number, value: number): void;
  /** Everything changed before survives a crash. */
  flush(): void | Promise<void>;
  /** Ends what is under way, and closes the file. */
  close(): void | Promise<void>;
}

/** The units that `count` blocks from `block` on are in. */
export function* unitsOf(map: BlockMap, block: number, count: number): Generator<UnitRun, void> {
  const end = block + count;
  for (let at = block; at < end; ) {
    const value = map.get(at);
    const length = map.runLength(at, end - at);
    if (value >= FIRST_UNIT) yield { unit: value, count: length };
    at += length;
  }
}
