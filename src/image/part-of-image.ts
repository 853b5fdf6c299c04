import { type Range, rangesOf } from '../core/plan/ranges.ts';
import type { Image } from './image.ts';

/** A part of an image as an image of its own, like a partition of a disk. Closing it closes the whole. */
export class PartOfImage implements Image {
  readonly size: number;
  readonly start: number;
  readonly #whole: Image;

  /** `start` and `size` are in bytes, and the part is in the whole. */
  constructor(whole: Image, start: number, size: number) {
    this.#whole = whole;
    this.start = start;
    this.size = size;
  }

  read(offset: number, target: Uint8Array): void {
    this.#check(offset, target.length);
    this.#whole.read(this.start + offset, target);
  }

  async readAsync(offset: number, target: Uint8Array): Promise<void> {
    this.#check(offset, target.length);
    await this.#whole.readAsync(this.start + offset, target);
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.size)
      throw new RangeError(`${length} bytes from ${offset} of a part of ${this.size}`);
  }

  /** The part may begin where the whole has no multiple of the granularity. */
  extents(offset: number, length: number, granularity = 1): Iterable<Range> {
    const end = Math.min(offset + length, this.size);
    return rangesOf(this.#holes(offset, end), offset, end, granularity);
  }

  *#holes(offset: number, end: number): Generator<{ start: number; end: number }, void> {
    for (const { offset: at, length, hole } of this.#whole.extents(this.start + offset, end - offset))
      if (hole) yield { start: at - this.start, end: at - this.start + length };
  }

  label(offset: number): string {
    return this.#whole.label(this.start + offset);
  }

  verifyUnchanged(): void {
    this.#whole.verifyUnchanged();
  }

  watched(): PartOfImage {
    return new PartOfImage(this.#whole.watched(), this.start, this.size);
  }

  close(): void {
    this.#whole.close();
  }
}
