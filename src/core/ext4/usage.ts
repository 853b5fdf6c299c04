import { f64Column } from '../columns.ts';
import { assert } from '../errors.ts';
import { lastAtMost } from '../plan/blocks-source.ts';

/** Which blocks of an image are in use, as ascending ranges. Claims come in ascending order and never overlap. */
export class BlockUsage {
  readonly #start = f64Column();
  readonly #end = f64Column();
  readonly #blocks: number;

  /** `blocks` is how many the image has. */
  constructor(blocks: number) {
    this.#blocks = blocks;
  }

  claim(what: string, start: number, count: number): void {
    if (count === 0) return;
    const last = this.#start.length - 1;
    const end = last < 0 ? 0 : this.#end.values[last]!;
    assert(
      start >= end && start + count <= this.#blocks,
      () => `${what} claims ${count} blocks from ${start}, ${end} are taken`,
    );
    if (last >= 0 && start === end) this.#end.values[last] = start + count;
    else {
      this.#start.push(start);
      this.#end.push(start + count);
    }
  }

  /** Calls `each` with the part of every range that lies between `from` and `to`. */
  forEachIn(from: number, to: number, each: (start: number, end: number) => void): void {
    const count = this.#start.length;
    if (count === 0) return;
    let i = this.#start.values[0]! <= from ? lastAtMost(this.#start.values, count, from) : 0;
    for (; i < count && this.#start.values[i]! < to; i++) {
      const start = Math.max(this.#start.values[i]!, from);
      const end = Math.min(this.#end.values[i]!, to);
      if (start < end) each(start, end);
    }
  }

  /** How many blocks between `from` and `to` are in use. */
  countIn(from: number, to: number): number {
    let count = 0;
    this.forEachIn(from, to, (start, end) => {
      count += end - start;
    });
    return count;
  }
}

/** Sets bits `from` to `to` of a bitmap, bit 0 being the lowest of the first byte. */
export function setBits(bitmap: Uint8Array, from: number, to: number): void {
  let bit = from;
  for (; bit < to && bit % 8 !== 0; bit++) bitmap[bit >> 3]! |= 1 << (bit & 7);
  const whole = to - ((to - bit) % 8);
  if (whole > bit) bitmap.fill(0xff, bit >> 3, whole >> 3);
  for (bit = Math.max(bit, whole); bit < to; bit++) bitmap[bit >> 3]! |= 1 << (bit & 7);
}
