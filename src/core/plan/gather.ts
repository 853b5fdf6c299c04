import { f64Column, u32Column } from '../columns.ts';
import { lastAtMost } from './blocks-source.ts';
import { type Plan, RegionKind } from './plan.ts';

/** The largest gap between two pieces of a layer that is read over, in bytes: cheaper than a read of its own. */
const GAP_MAX = 16 * 1024;
/** The longest range of a layer that is read at once, in bytes. */
export const RUN_MAX = 1024 * 1024;

/**
 * What one read of an image needs from its layers. Files that lie next to each other in a layer become one run: one read, then a
 * copy for each piece. A Gather is used again and again, and allocates nothing once its columns are long enough.
 */
export class Gather {
  runCount = 0;
  readonly #layer = u32Column();
  readonly #offset = f64Column();
  readonly #end = f64Column();
  readonly #firstPiece = u32Column();
  #pieceCount = 0;
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
    if (this.#endPiece(run) !== piece + 1) return undefined;
    const at = this.#pieceTarget.values[piece]!;
    return target.subarray(at, at + this.#pieceLength.values[piece]!);
  }

  /** Copies a run's bytes to their places in `target`. */
  scatter(run: number, bytes: Uint8Array, target: Uint8Array): void {
    const base = this.#offset.values[run]!;
    for (let piece = this.#firstPiece.values[run]!; piece < this.#endPiece(run); piece++) {
      const from = this.#pieceOffset.values[piece]! - base;
      target.set(bytes.subarray(from, from + this.#pieceLength.values[piece]!), this.#pieceTarget.values[piece]!);
    }
  }

  #endPiece(run: number): number {
    return run + 1 < this.runCount ? this.#firstPiece.values[run + 1]! : this.#pieceCount;
  }

  #add(layer: number, offset: number, target: number, length: number): void {
    const last = this.runCount - 1;
    const joins =
      last >= 0 &&
      this.#layer.values[last] === layer &&
      offset >= this.#end.values[last]! &&
      offset - this.#end.values[last]! <= GAP_MAX &&
      offset + length - this.#offset.values[last]! <= RUN_MAX;
    if (joins) this.#end.values[last] = offset + length;
    else {
      const run = this.runCount++;
      this.#layer.set(run, layer);
      this.#offset.set(run, offset);
      this.#end.set(run, offset + length);
      this.#firstPiece.set(run, this.#pieceCount);
    }
    const piece = this.#pieceCount++;
    this.#pieceOffset.set(piece, offset);
    this.#pieceTarget.set(piece, target);
    this.#pieceLength.set(piece, length);
  }
}
