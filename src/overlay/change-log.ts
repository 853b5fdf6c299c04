import { u32Column } from '../core/columns.ts';
import { ZERO } from './block-map.ts';
import { type MapRun, PAGE_RECORDS_MAX } from './delta-format.ts';

/** What changed in a map and is not durable yet, in order: 12 bytes a run of blocks. */
export class ChangeLog {
  #block = u32Column();
  #count = u32Column();
  #value = u32Column();
  /** These are being made durable, and do not grow. */
  #sealed = 0;

  get length(): number {
    return this.#block.length;
  }

  /** How many pages of a chain it takes to write all, and one more: what is sealed ends with a page. */
  get pagesWithOneMore(): number {
    return pagesOf(this.#sealed) + pagesOf(this.length - this.#sealed + 1);
  }

  push(block: number, count: number, value: number): void {
    const last = this.length - 1;
    if (last >= this.#sealed) {
      const lastCount = this.#count.values[last]!;
      const lastValue = this.#value.values[last]!;
      const goesOn = value === ZERO ? lastValue === ZERO : lastValue !== ZERO && lastValue + lastCount === value;
      if (goesOn && this.#block.values[last]! + lastCount === block) {
        this.#count.values[last] = lastCount + count;
        return;
      }
    }
    this.#block.push(block);
    this.#count.push(count);
    this.#value.push(value);
  }

  /** Keeps what is there as it is; returns how much that is. */
  seal(): number {
    this.#sealed = this.length;
    return this.#sealed;
  }

  *first(length: number): Generator<MapRun, void> {
    for (let i = 0; i < length; i++) {
      yield { block: this.#block.values[i]!, count: this.#count.values[i]!, value: this.#value.values[i]! };
    }
  }

  /** Forgets the first ones. */
  drop(length: number): void {
    const later = [...this.first(this.length)].slice(length);
    this.#block = u32Column();
    this.#count = u32Column();
    this.#value = u32Column();
    this.#sealed = 0;
    for (const { block, count, value } of later) this.push(block, count, value);
  }
}

function pagesOf(records: number): number {
  return Math.ceil(records / PAGE_RECORDS_MAX);
}
