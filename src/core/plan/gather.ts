import { f64Column, u32Column } from '../columns.ts';
import { lastAtMost } from './blocks-source.ts';
import { type Plan, RegionKind } from './plan.ts';

/** The largest gap between two pieces of a layer that is read over, in bytes: cheaper than a read of its own. */
const GAP_MAX = 16 * 1024;
/** The longest range of a layer that is read at once, in bytes. */
export const RUN_MAX = 1024 * 1024;

/**
 * What one read of an image needs from its layers. Files that lie next to each other in a layer become one run: one read, then a
 * copy for each piece, also where pieces of another layer stand between them in the image. A Gather is used again and again, and allocates nothing once its columns are long enough.
 */
export class Gather {
  runCount = 0;
  readonly #layer = u32Column();
  readonly #offset = f64Column();
  readonly #end = f64Column();
  readonly #firstPiece = u32Column();
  readonly #lastPiece = u32Column();
  #pieceCount = 0;
  readonly #pieceRun = u32Column();
  readonly #pieceOffset = f64Column();
  readonly #pieceTarget = u32Column();
  readonly #pieceLength = u32Column();

  /** Fills what the plan itself knows of `target`, the image's bytes from `offset`, and finds the runs that fill the rest. */
  prepare(plan: Plan, offset: number, target: Uint8Array): void {
    this.runCount = 0;
    this.#pieceCount = 0;
    const { start, kind, source, offset: from, count } = plan.regions;
    let region = target.length === 0 ? count : lastAtMost(start, count, offset);
    for (let done = 0; done < target.length; region++) {
      const within = offset + done - start[region]!;
      const length = Math.min(start[region + 1]! - start[region]! - within, target.length - done);
      const regionKind = kind[region];
      if (regionKind === RegionKind.blob) this.#add(source[region]!, from[region]! + within, done, length);
      else if (regionKind === RegionKind.zero) target.fill(0, done, done + length);
      else plan.bytes[source[region]!]!.read(from[region]! + within, target.subarray(done, done + length));
      done += length;
    }
  }

  runLayer(run: number): number {
    return this.#layer.values[run]!;
  }

  /** Where a run begins in its layer, in bytes. */
  runOffset(run: number): number {
    return this.#offset.values[run]!;
  }

  runLength(run: number): number {
    return this.#end.values[run]! - this.#offset.values[run]!;
  }

  /** The place in `target` that the whole run fills; undefined when it has to be scattered. */
  directTarget(run: number, target: Uint8Array): Uint8Array | undefined {
    const piece = this.#firstPiece.values[run]!;
    if (this.#lastPiece.values[run] !== piece) return undefined;
    const at = this.#pieceTarget.values[piece]!;
    return target.subarray(at, at + this.#pieceLength.values[piece]!);
  }

  /** Copies a run's bytes to their places in `target`. */
  scatter(run: number, bytes: Uint8Array, target: Uint8Array): void {
    const base = this.#offset.values[run]!;
    for (let piece = this.#firstPiece.values[run]!; piece <= this.#lastPiece.values[run]!; piece++) {
      if (this.#pieceRun.values[piece] !== run) continue;
      const from = this.#pieceOffset.values[piece]! - base;
      target.set(bytes.subarray(from, from + this.#pieceLength.values[piece]!), this.#pieceTarget.values[piece]!);
    }
  }

  #add(layer: number, offset: number, target: number, length: number): void {
    const piece = this.#pieceCount++;
    let run = this.runCount - 1;
    if (!this.#joins(run, layer, offset, length)) run--;
    if (this.#joins(run, layer, offset, length)) this.#end.values[run] = offset + length;
    else {
      run = this.runCount++;
      this.#layer.set(run, layer);
      this.#offset.set(run, offset);
      this.#end.set(run, offset + length);
      this.#firstPiece.set(run, piece);
    }
    this.#lastPiece.set(run, piece);
    this.#pieceRun.set(piece, run);
    this.#pieceOffset.set(piece, offset);
    this.#pieceTarget.set(piece, target);
    this.#pieceLength.set(piece, length);
  }

  /** Whether a piece goes on with a run. */
  #joins(run: number, layer: number, offset: number, length: number): boolean {
    return (
      run >= 0 &&
      this.#layer.values[run] === layer &&
      offset >= this.#end.values[run]! &&
      offset - this.#end.values[run]! <= GAP_MAX &&
      offset + length - this.#offset.values[run]! <= RUN_MAX
    );
  }
}
