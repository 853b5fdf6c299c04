import type { Range } from '../core/plan/ranges.ts';
import { type Backend, writeZeros, type ZeroOptions } from '../nbd/index.ts';
import { BLOCK_BYTES, FIRST_UNIT, runAt, ZERO } from './block-map.ts';
import type { Delta } from './delta.ts';
import { type OverlayBase, OverlayView } from './overlay-view.ts';

const ZEROS = new Uint8Array(BLOCK_BYTES);

/**
 * Copy-on-write: a base that never changes, and the delta of what was written. A block is of the base, zero, or in the
 * delta; a block of which a part is written is taken from the base first.
 */
export class Overlay implements Backend {
  readonly size: number;
  readonly #view: OverlayView;
  readonly #delta: Delta;
  readonly #block = new Uint8Array(BLOCK_BYTES);

  /** The delta is the overlay's, and closed with it; the base is not. */
  constructor(base: OverlayBase, delta: Delta) {
    this.size = base.size;
    this.#view = new OverlayView(base, delta);
    this.#delta = delta;
  }

  read(offset: number, target: Uint8Array): void {
    this.#view.read(offset, target);
  }

  extents(offset: number, length: number, granularity: number): Iterable<Range> {
    return this.#view.extents(offset, length, granularity);
  }

  write(offset: number, source: Uint8Array): void {
    const { file, map } = this.#delta;
    for (let done = 0; done < source.length; ) {
      const at = offset + done;
      const within = at % BLOCK_BYTES;
      const { value, length } = runAt(map, at, source.length - done);
      if (value >= FIRST_UNIT) {
        file.write(value * BLOCK_BYTES + within, source.subarray(done, done + length));
        done += length;
      } else if (within === 0 && length >= BLOCK_BYTES) {
        done += this.#writeNew(at, source.subarray(done, done + length - (length % BLOCK_BYTES)));
      } else {
        const part = source.subarray(done, done + Math.min(BLOCK_BYTES - within, length));
        this.#writeNew(at - within, this.#merged(at - within, within, part));
        done += part.length;
      }
    }
  }

  /** Whole blocks give their units back. */
  zero(offset: number, length: number, options: ZeroOptions): void | Promise<void> {
    if (options.noHole) return writeZeros(this, offset, length, options);
    this.trim(offset, length);
  }

  /** What is trimmed reads as zeros, at once and ever after. */
  trim(offset: number, length: number): void {
    const end = offset + length;
    const first = Math.ceil(offset / BLOCK_BYTES);
    // The last block may be shorter than a block.
    const last = end === this.size ? this.#delta.map.blocks : Math.floor(end / BLOCK_BYTES);
    if (last < first) {
      this.#zeroPart(offset, end);
      return;
    }
    this.#zeroPart(offset, Math.min(first * BLOCK_BYTES, end));
    if (last > first) this.#delta.set(first, last - first, ZERO);
    this.#zeroPart(Math.min(last * BLOCK_BYTES, end), end);
  }

  flush(): void | Promise<void> {
    return this.#delta.flush();
  }

  close(): void | Promise<void> {
    return this.#delta.close();
  }

  /** Puts whole blocks in units, as many as there are neighbouring ones; returns how many bytes that were. */
  #writeNew(offset: number, source: Uint8Array): number {
    const delta = this.#delta;
    const run = delta.allocate(source.length / BLOCK_BYTES);
    const length = run.count * BLOCK_BYTES;
    try {
      delta.file.write(run.unit * BLOCK_BYTES, source.subarray(0, length));
      delta.set(offset / BLOCK_BYTES, run.count, run.unit);
    } catch (error) {
      delta.free(run);
      throw error;
    }
    return length;
  }

  /** The block at `start` with other bytes from `within` on. */
  #merged(start: number, within: number, bytes: Uint8Array): Uint8Array {
    const block = this.#block;
    const length = Math.min(BLOCK_BYTES, this.size - start);
    this.read(start, block.subarray(0, length));
    block.fill(0, length);
    block.set(bytes, within);
    return block;
  }

  /** Zeros within one block. */
  #zeroPart(offset: number, end: number): void {
    if (end === offset) return;
    if (this.#delta.map.get(Math.floor(offset / BLOCK_BYTES)) !== ZERO)
      this.write(offset, ZEROS.subarray(0, end - offset));
  }
}
