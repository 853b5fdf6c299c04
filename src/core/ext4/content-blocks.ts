import { lastAtMost } from '../plan/blocks-source.ts';

/** Blocks that follow each other in the image. */
export interface BlockRun {
  readonly start: number;
  readonly count: number;
}

/**
 * The blocks that contents may have: all but those that groups begin with. Contents count without these, so that what is placed
 * one behind another needs to know nothing of groups.
 */
export class ContentBlocks {
  /** By what is left out: the content block that follows it, and how many blocks of the image are left out up to there. */
  readonly #content: Float64Array;
  readonly #skipped: Float64Array;

  /** `reserved` is what is left out, in ascending order. */
  constructor(reserved: readonly BlockRun[]) {
    this.#content = new Float64Array(reserved.length);
    this.#skipped = new Float64Array(reserved.length);
    let skipped = 0;
    reserved.forEach(({ start, count }, i) => {
      this.#content[i] = start - skipped;
      skipped += count;
      this.#skipped[i] = skipped;
    });
  }

  /** The block of the image that a content block is. */
  blockOf(content: number): number {
    const i = this.#lastBefore(content);
    return i < 0 ? content : content + this.#skipped[i]!;
  }

  /** The content block that a block of the image is, or that follows it where it is left out. */
  contentOf(block: number): number {
    let skipped = 0;
    for (let i = 0; i < this.#content.length && block >= this.#content[i]! + skipped; i++) {
      if (block < this.#content[i]! + this.#skipped[i]!) return this.#content[i]!;
      skipped = this.#skipped[i]!;
    }
    return block - skipped;
  }

  /** How many content blocks from `content` on follow each other in the image, too; may be infinitely many. */
  contiguousFrom(content: number): number {
    return this.#nextAfter(this.#lastBefore(content)) - content;
  }

  /** Calls `each` with the runs of the image that `count` content blocks are. */
  forEachRun(content: number, count: number, each: (start: number, count: number) => void): void {
    let i = this.#lastBefore(content);
    for (let done = 0; done < count; i++) {
      const length = Math.min(count - done, this.#nextAfter(i) - content - done);
      // No content block is between two groups of which the first is nothing but what it begins with.
      if (length === 0) continue;
      each(content + done + (i < 0 ? 0 : this.#skipped[i]!), length);
      done += length;
    }
  }

  /** The content block that follows what is left out next after the `i`th. */
  #nextAfter(i: number): number {
    return i + 1 < this.#content.length ? this.#content[i + 1]! : Number.POSITIVE_INFINITY;
  }

  /** What is left out last before a content block; -1 for nothing. */
  #lastBefore(content: number): number {
    if (this.#content.length === 0 || content < this.#content[0]!) return -1;
    return lastAtMost(this.#content, this.#content.length, content);
  }
}
