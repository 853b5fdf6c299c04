import { CHUNK_SIZE } from '../core/ext4/placement.ts';
import type { Range } from '../core/plan/ranges.ts';
import type { Image } from '../image/image.ts';
import type { PumpOptions } from './pump.ts';

/** How many units of an image there are, and how many of them are not the same in another one. */
export interface Count {
  /** In bytes. */
  readonly size: number;
  /** Of the larger image. */
  readonly count: number;
  readonly different: number;
}

/** Where the bytes of two images differ; what only the larger one has counts as different. */
export interface BlockComparison {
  readonly blocks: Count;
  /** Of the size in which data is placed, compared and shared. */
  readonly chunks: Count;
  /** The first ranges of different blocks, in bytes. */
  readonly firstRanges: readonly { readonly offset: number; readonly length: number }[];
}

const BLOCK_SIZE = 4096;
const FIRST_RANGES = 16;

/** How bytes are compared. */
export interface CompareBlocksOptions extends PumpOptions {
  /** How many of the first ranges that differ are told; default 16. */
  readonly rangesMax?: number | undefined;
}

/** Compares all bytes of two images. What both have as holes is not read. */
export async function compareBlocks(
  before: Image,
  after: Image,
  options: CompareBlocksOptions = {},
): Promise<BlockComparison> {
  const size = Math.max(before.size, after.size);
  const [left, right] = [new Side(before), new Side(after)];
  const found = new Found(options.rangesMax ?? FIRST_RANGES);
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    options.signal?.throwIfAborted();
    const end = Math.min(offset + CHUNK_SIZE, size);
    options.onProgress?.({ phase: 'comparing', bytes: { done: end, total: size } });
    if (left.isHole(offset, end) && right.isHole(offset, end) && end <= Math.min(before.size, after.size)) continue;
    const [a, b] = await Promise.all([left.read(offset, end), right.read(offset, end)]);
    if (a.length !== b.length || Buffer.compare(a, b) !== 0) found.addChunk(offset, end, a, b);
  }
  return {
    blocks: { size: BLOCK_SIZE, count: Math.ceil(size / BLOCK_SIZE), different: found.blocks },
    chunks: { size: CHUNK_SIZE, count: Math.ceil(size / CHUNK_SIZE), different: found.chunks },
    firstRanges: found.ranges,
  };
}

/** One of the images, read in its order. */
class Side {
  readonly #image: Image;
  readonly #extents: Iterator<Range>;
  readonly #buffer = new Uint8Array(CHUNK_SIZE);
  #extent: Range | undefined;

  constructor(image: Image) {
    this.#image = image;
    this.#extents = image.extents(0, image.size)[Symbol.iterator]();
    this.#extent = this.#next();
  }

  #next(): Range | undefined {
    const { done, value } = this.#extents.next();
    return done === true ? undefined : value;
  }

  isHole(offset: number, end: number): boolean {
    while (this.#extent !== undefined && this.#extent.offset + this.#extent.length <= offset)
      this.#extent = this.#next();
    return this.#extent !== undefined && this.#extent.hole && this.#extent.offset + this.#extent.length >= end;
  }

  /** The bytes from `offset` to `end`, as far as the image has them. */
  async read(offset: number, end: number): Promise<Uint8Array> {
    const target = this.#buffer.subarray(0, Math.max(Math.min(end, this.#image.size) - offset, 0));
    if (target.length > 0) await this.#image.readAsync(offset, target);
    return target;
  }
}

/** The differences so far. */
class Found {
  chunks = 0;
  blocks = 0;
  readonly ranges: { offset: number; length: number }[] = [];
  readonly #rangesMax: number;

  constructor(rangesMax: number) {
    this.#rangesMax = rangesMax;
  }

  addChunk(offset: number, end: number, a: Uint8Array, b: Uint8Array): void {
    this.chunks++;
    for (let at = 0; offset + at < end; at += BLOCK_SIZE) {
      const [left, right] = [a.subarray(at, at + BLOCK_SIZE), b.subarray(at, at + BLOCK_SIZE)];
      if (left.length === right.length && Buffer.compare(left, right) === 0) continue;
      this.blocks++;
      this.#addRange(offset + at, Math.min(BLOCK_SIZE, end - offset - at));
    }
  }

  #addRange(offset: number, length: number): void {
    const last = this.ranges.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else if (this.ranges.length < this.#rangesMax) this.ranges.push({ offset, length });
  }
}
