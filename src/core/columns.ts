type TypedArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * A growing column of numbers in one typed array: what a million entries are kept in, instead of a million objects.
 * `values` may be longer than `length`; `trimmed()` gives an array of exactly the pushed values.
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

  trimmed(): T {
    return this.values.slice(0, this.length) as T;
  }

  #grow(needed: number): void {
    const grown = this.#make(Math.max(needed, this.values.length * 2));
    grown.set(this.values);
    this.values = grown;
  }
}

export const u8Column = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n));
export const u16Column = (): Column<Uint16Array> => new Column((n) => new Uint16Array(n));
export const u32Column = (): Column<Uint32Array> => new Column((n) => new Uint32Array(n));
export const f64Column = (): Column<Float64Array> => new Column((n) => new Float64Array(n));
