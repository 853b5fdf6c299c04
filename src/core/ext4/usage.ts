import { f64Column } from '../columns.ts';
import { assert } from '../errors.ts';
import { lastAtMost } from '../plan/blocks-source.ts';

/** Ranges of blocks of an image, in any order. */
export class BlockClaims {
  readonly start = f64Column();
  readonly end = f64Column();

  add(start: number, count: number): void {
    if (count === 0) return;
    const last = this.start.length - 1;
    if (last >= 0 && this.end.values[last] === start) this.end.values[last] = start + count;
    else {
      this.start.push(start);
      this.end.push(start + count);
    }
  }
}

/** Which blocks of an image are in use, as ascending ranges that never overlap. */
export class BlockUsage {
  #start = new Float64Array(0);
  #end = new Float64Array(0);

  /** `claims` are in any order; `blocks` is how many blocks the image has. */
  constructor(claims: BlockClaims, blocks: number) {
    const [start, end] = [claims.start.trimmed().sort(), claims.end.trimmed().sort()];
    let count = 0;
    for (let i = 0; i < start.length; i++) {
      // Ranges overlap where, sorted, one begins before the end of another.
      assert(i === 0 || start[i]! >= end[i - 1]!, () => `block ${start[i]} is claimed twice`);
      if (count > 0 && start[i] === end[count - 1]) end[count - 1] = end[i]!;
      else {
        start[count] = start[i]!;
        end[count++] = end[i]!;
      }
    }
    assert(count === 0 || end[count - 1]! <= blocks, () => `block ${end[count - 1]! - 1} is claimed, of ${blocks}`);
    this.#start = start.slice(0, count);
    this.#end = end.slice(0, count);
  }

  /** Calls `each` with the part of every range that lies between `from` and `to`. */
  forEachIn(from: number, to: number, each: (start: number, end: number) => void): void {
    const count = this.#start.length;
    if (count === 0) return;
    let i = this.#start[0]! <= from ? lastAtMost(this.#start, count, from) : 0;
    for (; i < count && this.#start[i]! < to; i++) {
      const start = Math.max(this.#start[i]!, from);
      const end = Math.min(this.#end[i]!, to);
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
