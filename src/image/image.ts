import { FileCount } from '../core/plan/file-count.ts';
import { Gather, RUN_MAX } from '../core/plan/gather.ts';
import { labelAt } from '../core/plan/map.ts';
import type { Plan } from '../core/plan/plan.ts';
import { type Range, ranges } from '../core/plan/ranges.ts';
import type { Amount } from '../core/progress.ts';
import type { Blob } from '../sources/layer.ts';
import { WatchedBlob } from '../sources/watched-blob.ts';

/** A virtual block device that is read, never written. Offsets, lengths and sizes are in bytes. */
export interface Image {
  readonly size: number;
  /** Fills `target` from `offset`. Throws `layer-changed` when an input is no longer what it was, RangeError past the end. */
  read(offset: number, target: Uint8Array): void;
  /** The same with the inputs read off the main thread. */
  readAsync(offset: number, target: Uint8Array): Promise<void>;
  /** Holes and data, in order and without gap; holes begin and end at multiples of `granularity`, or where the range does. */
  extents(offset: number, length: number, granularity?: number): Iterable<Range>;
  /** What lives at `offset`, for people. */
  label(offset: number): string;
  /** How many files have contents that begin before `offset`, of all; where that is cheap to tell. */
  filesBefore?(offset: number): Amount;
  /** Throws `layer-changed` when an input is no longer what it was when the image was planned. */
  verifyUnchanged(): void;
  /**
   * The same image for long use: a read throws `layer-changed` when it needs an input that has changed, seen at most a tenth
   * of a second ago. Closing it closes this one.
   */
  watched(): Image;
  close(): void;
}

/** How many buffers of RUN_MAX bytes are kept for the next reads. */
const IDLE_SCRATCHES_MAX = 4;

/** The image of a plan whose blobs are layers. */
export class PlannedImage<P extends Plan = Plan> implements Image {
  readonly plan: P;
  readonly #blobs: readonly Blob[];
  readonly #gather = new Gather();
  /** Where runs are read before they are scattered; grows to the longest. */
  #scratch = new Uint8Array(0);
  /** Of asynchronous reads that have ended, for the next ones: what they gathered with and read into. */
  readonly #idleGathers: Gather[] = [];
  readonly #idleScratches: Uint8Array[] = [];
  #fileCount: FileCount | undefined;

  /** `blobs` are by layer. */
  constructor(plan: P, blobs: readonly Blob[]) {
    this.plan = plan;
    this.#blobs = blobs;
  }

  get size(): number {
    return this.plan.size;
  }

  read(offset: number, target: Uint8Array): void {
    checkRange(this.size, offset, target.length);
    const gather = this.#gather;
    gather.prepare(this.plan, offset, target);
    for (let run = 0; run < gather.runCount; run++) {
      const blob = this.#blobs[gather.runLayer(run)]!;
      const direct = gather.directTarget(run, target);
      if (direct !== undefined) {
        blob.readSync(gather.runOffset(run), direct);
        continue;
      }
      const length = gather.runLength(run);
      if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
      const bytes = this.#scratch.subarray(0, length);
      blob.readSync(gather.runOffset(run), bytes);
      gather.scatter(run, bytes, target);
    }
  }

  async readAsync(offset: number, target: Uint8Array): Promise<void> {
    checkRange(this.size, offset, target.length);
    const gather = this.#idleGathers.pop() ?? new Gather();
    gather.prepare(this.plan, offset, target);
    const runs = Array.from({ length: gather.runCount }, async (_, run) => this.#readRun(gather, run, target));
    const results = await Promise.allSettled(runs);
    this.#idleGathers.push(gather);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async #readRun(gather: Gather, run: number, target: Uint8Array): Promise<void> {
    const blob = this.#blobs[gather.runLayer(run)]!;
    const direct = gather.directTarget(run, target);
    if (direct !== undefined) return blob.read(gather.runOffset(run), direct);
    const scratch = this.#idleScratches.pop() ?? new Uint8Array(RUN_MAX);
    try {
      const bytes = scratch.subarray(0, gather.runLength(run));
      await blob.read(gather.runOffset(run), bytes);
      gather.scatter(run, bytes, target);
    } finally {
      if (this.#idleScratches.length < IDLE_SCRATCHES_MAX) this.#idleScratches.push(scratch);
    }
  }

  extents(offset: number, length: number, granularity?: number): Iterable<Range> {
    return ranges(this.plan, offset, length, granularity);
  }

  label(offset: number): string {
    checkRange(this.size, offset, 1);
    return labelAt(this.plan, offset);
  }

  filesBefore(offset: number): Amount {
    this.#fileCount ??= new FileCount(this.plan.regions);
    return this.#fileCount.before(offset);
  }

  verifyUnchanged(): void {
    for (const blob of this.#blobs) blob.verifyUnchanged();
  }

  watched(): PlannedImage<P> {
    return new PlannedImage(
      this.plan,
      this.#blobs.map((blob) => new WatchedBlob(blob)),
    );
  }

  close(): void {
    for (const blob of this.#blobs) blob.close();
  }
}

function checkRange(size: number, offset: number, length: number): void {
  if (offset >= 0 && offset + length <= size) return;
  throw new RangeError(`${length} bytes from ${offset} of an image of ${size}`);
}
