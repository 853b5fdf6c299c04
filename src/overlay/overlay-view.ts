import { type Range, rangesOf } from '../core/plan/ranges.ts';
import type { Image } from '../image/image.ts';
import { BASE, BLOCK_BYTES, runAt, ZERO } from './block-map.ts';
import type { Delta } from './delta.ts';

/** What of an image lies under a delta. */
export type OverlayBase = Pick<Image, 'size' | 'read' | 'extents'>;

/** A base with a delta over it, read as an Image is. */
export class OverlayView {
  readonly size: number;
  readonly #base: OverlayBase;
  readonly #delta: Pick<Delta, 'map' | 'file'>;

  constructor(base: OverlayBase, delta: Pick<Delta, 'map' | 'file'>) {
    this.size = base.size;
    this.#base = base;
    this.#delta = delta;
  }

  read(offset: number, target: Uint8Array): void {
    const { file, map } = this.#delta;
    for (let done = 0; done < target.length; ) {
      const at = offset + done;
      const { value, length } = runAt(map, at, target.length - done);
      const part = target.subarray(done, done + length);
      if (value === BASE) this.#base.read(at, part);
      else if (value === ZERO) part.fill(0);
      else file.read(value * BLOCK_BYTES + (at % BLOCK_BYTES), part);
      done += length;
    }
  }

  /** Holes and data from `offset` on, as an Image has them. */
  extents(offset: number, length: number, granularity = 1): Iterable<Range> {
    const end = Math.min(offset + length, this.size);
    return rangesOf(this.#holes(offset, end), offset, end, granularity);
  }

  /** The holes between `offset` and `end`, neighbours as one. */
  *#holes(offset: number, end: number): Generator<{ start: number; end: number }, void> {
    let hole = { start: offset, end: offset };
    for (const range of this.#pieces(offset, end)) {
      if (!range.hole) continue;
      if (range.offset !== hole.end) {
        if (hole.end > hole.start) yield hole;
        hole = { start: range.offset, end: range.offset };
      }
      hole.end = range.offset + range.length;
    }
    if (hole.end > hole.start) yield hole;
  }

  *#pieces(offset: number, end: number): Generator<Range, void> {
    for (let at = offset; at < end; ) {
      const { value, length } = runAt(this.#delta.map, at, end - at);
      if (value === BASE) yield* this.#base.extents(at, length);
      else yield { offset: at, length, hole: value === ZERO };
      at += length;
    }
  }
}
