import { type Column, f64Column, u8Column, u32Column } from '../columns.ts';
import { assert } from '../errors.ts';
import { RegionKind, type Regions } from './plan.ts';

/** Builds the regions of an image in order, so that none overlaps another and none is missing. */
export class RegionsBuilder {
  readonly #start: Column<Float64Array>;
  readonly #kind: Column<Uint8Array>;
  readonly #source: Column<Uint32Array>;
  readonly #offset: Column<Float64Array>;
  readonly #owner: Column<Uint32Array>;
  #end = 0;

  /** For about `capacity` regions; there may be more. */
  constructor(capacity = 64) {
    this.#start = f64Column(capacity);
    this.#kind = u8Column(capacity);
    this.#source = u32Column(capacity);
    this.#offset = f64Column(capacity);
    this.#owner = u32Column(capacity);
  }

  /** Where the last region ends, in bytes. */
  get end(): number {
    return this.#end;
  }

  /** Fills up to `end` with zeros; does nothing when the regions are there already. */
  zeroTo(end: number, owner = 0): void {
    assert(end >= this.#end, () => `zeros to ${end}, the regions end at ${this.#end}`);
    if (end === this.#end) return;
    const last = this.#kind.length - 1;
    const extendsLast = last >= 0 && this.#kind.values[last] === RegionKind.zero && this.#owner.values[last] === owner;
    if (!extendsLast) this.#push(RegionKind.zero, 0, 0, owner);
    this.#end = end;
  }

  /** Bytes of a layer: `length` of layer `layer` from `offset`. */
  blob(start: number, length: number, layer: number, offset: number, owner: number): void {
    this.#append(RegionKind.blob, start, length, layer, offset, owner);
  }

  /** Bytes of the plan: `length` of source `source` from `offset`; continues the last region where both go on. */
  bytes(start: number, length: number, source: number, offset = 0): void {
    const last = this.#kind.length - 1;
    const continues =
      start === this.#end &&
      last >= 0 &&
      this.#kind.values[last] === RegionKind.bytes &&
      this.#source.values[last] === source &&
      this.#offset.values[last]! + (start - this.#start.values[last]!) === offset;
    if (continues) this.#end += length;
    else this.#append(RegionKind.bytes, start, length, source, offset, 0);
  }

  finish(): Regions {
    const count = this.#start.length;
    this.#start.push(this.#end);
    return {
      count,
      start: this.#start.trimmed(),
      kind: this.#kind.trimmed(),
      source: this.#source.trimmed(),
      offset: this.#offset.trimmed(),
      owner: this.#owner.trimmed(),
    };
  }

  #append(kind: RegionKind, start: number, length: number, source: number, offset: number, owner: number): void {
    assert(start === this.#end, () => `a region at ${start}, the one before ends at ${this.#end}`);
    if (length === 0) return;
    this.#push(kind, source, offset, owner);
    this.#end = start + length;
  }

  #push(kind: RegionKind, source: number, offset: number, owner: number): void {
    this.#start.push(this.#end);
    this.#kind.push(kind);
    this.#source.push(source);
    this.#offset.push(offset);
    this.#owner.push(owner);
  }
}
