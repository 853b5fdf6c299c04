import { assert } from '../errors.ts';

/** Makes block `block` in `target`, which holds zeros. */
export type MakeBlock = (block: number, target: Uint8Array, view: DataView) => void;

/** Reads any range of a source that makes whole blocks, one at a time. */
export class BlockReader {
  readonly #make: MakeBlock;
  readonly #block: Uint8Array;
  readonly #view: DataView;

  constructor(blockSize: number, make: MakeBlock) {
    this.#make = make;
    this.#block = new Uint8Array(blockSize);
    this.#view = new DataView(this.#block.buffer);
  }

  /** Fills `target` with the bytes from `offset`, counted from the first block. */
  read(offset: number, target: Uint8Array): void {
    const size = this.#block.length;
    for (let done = 0; done < target.length; ) {
      const block = Math.floor((offset + done) / size);
      const within = offset + done - block * size;
      const length = Math.min(size - within, target.length - done);
      this.#block.fill(0);
      this.#make(block, this.#block, this.#view);
      target.set(within === 0 && length === size ? this.#block : this.#block.subarray(within, within + length), done);
      done += length;
    }
  }
}

/** The index of the last element of ascending `starts[0..count)` that is at most `value`. */
export function lastAtMost(starts: Float64Array | Uint32Array, count: number, value: number): number {
  assert(count > 0 && starts[0]! <= value, () => `${value} is before the first of ${count}`);
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
