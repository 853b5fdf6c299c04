type TypedArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * A growing column of numbers in one typed array: what a million entries are kept in, instead of a million objects.
 * `values` may be longer than `length`; `trimmed()` gives exactly the pushed values. Room that is not used yet costs no memory:
 * the kernel gives pages when they are touched. A capacity that is large enough saves the copies, and both arrays of each.
 */
export class Column<T extends TypedArray> {
  values: T;
  length = 0;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T, capacity = 64) {
    this.#make = make;
    this.values = make(capacity);
  }

  /** Appends a value and returns its index. */
  push(value: number): number {
    if (this.length === this.values.length) this.#grow(this.length + 1);
    this.values[this.length] = value;
    return this.length++;
  }

  /** Makes room for `count` more values, returns the index of the first; they hold zeros. */
  extend(count: number): number {
    const start = this.length;
    if (start + count > this.values.length) this.#grow(start + count);
    this.length += count;
    return start;
  }

  /** Sets the value at an index, which may be the first behind the last. */
  set(index: number, value: number): void {
    if (index === this.length) this.push(value);
    else this.values[index] = value;
  }

  /** The values, not a copy of them: for when the last one was pushed. */
  trimmed(): T {
    return this.values.subarray(0, this.length) as T;
  }

  #grow(needed: number): void {
    const grown = this.#make(Math.max(needed, this.values.length * 2));
    grown.set(this.values);
    this.values = grown;
  }
}

export const u8Column = (capacity?: number): Column<Uint8Array> => new Column((n) => new Uint8Array(n), capacity);
export const u16Column = (capacity?: number): Column<Uint16Array> => new Column((n) => new Uint16Array(n), capacity);
export const u32Column = (capacity?: number): Column<Uint32Array> => new Column((n) => new Uint32Array(n), capacity);
export const f64Column = (capacity?: number): Column<Float64Array> => new Column((n) => new Float64Array(n), capacity);
