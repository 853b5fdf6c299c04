import { u32Column } from '../core/columns.ts';
import { FIRST_UNIT } from './block-map.ts';

/** The number behind the last unit that a file can have. */
const UNITS_MAX = 2 ** 32 - 1;

/** Neighbouring units of a delta's file. */
export interface UnitRun {
  readonly unit: number;
  readonly count: number;
}

/** Which units of a delta's file are in use. Memory goes with the runs of free units. */
export class UnitAllocator {
  /** Free runs; the last one is used first. */
  readonly #start = u32Column();
  readonly #count = u32Column();
  /** Behind the last unit that was ever used. */
  #end = FIRST_UNIT;

  /**
   * The allocator of a file in which the units from `starts[i]` to `ends[i]` are in use; both arrays are sorted here.
   * Undefined when a unit is used twice.
   */
  static withUsed(starts: Uint32Array, ends: Uint32Array): UnitAllocator | undefined {
    const allocator = new UnitAllocator();
    // Runs that do not overlap have their ends in the order of their starts.
    starts.sort();
    ends.sort();
    for (let i = 0; i < starts.length; i++) {
      if (starts[i]! < allocator.#end) return undefined;
      allocator.free({ unit: allocator.#end, count: starts[i]! - allocator.#end });
      allocator.#end = ends[i]!;
    }
    return allocator;
  }

  /** Takes at least one and at most `countMax` neighbouring units. Throws an error with the code `ENOSPC`. */
  allocate(countMax: number): UnitRun {
    const last = this.#start.length - 1;
    if (last < 0) {
      const count = Math.min(countMax, UNITS_MAX - this.#end);
      if (count === 0) throw Object.assign(new Error('the delta has no more units'), { code: 'ENOSPC' });
      const unit = this.#end;
      this.#end += count;
      return { unit, count };
    }
    const unit = this.#start.values[last]!;
    const count = Math.min(countMax, this.#count.values[last]!);
    this.#start.values[last] = unit + count;
    this.#count.values[last] = this.#count.values[last]! - count;
    if (this.#count.values[last] === 0) {
      this.#start.length--;
      this.#count.length--;
    }
    return { unit, count };
  }

  free({ unit, count }: UnitRun): void {
    if (count === 0) return;
    const last = this.#start.length - 1;
    if (last >= 0 && this.#start.values[last]! + this.#count.values[last]! === unit) {
      this.#count.values[last] = this.#count.values[last]! + count;
      return;
    }
    this.#start.push(unit);
    this.#count.push(count);
  }
}
