/** A column that does not grow: whole numbers as wide as the largest needs, or float64. */
export type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * A growing column of numbers in one typed array: what a million entries are kept in, instead of a million objects.
 * `values` may be longer than `length`; `trimmed()` gives exactly the pushed values. Room that is not used yet costs no memory:
 * the kernel gives pages when they are touched. A capacity that is large enough saves the copies, and both arrays of each.
 */
export class Column<T extends Numbers> {
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

  /** Forgets all values, and the room for them. */
  clear(): void {
    this.values = this.#make(0);
    this.length = 0;
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

/** The same numbers in the narrowest array that holds them: whole ones from 0 in 1, 2 or 4 bytes each, others in 8. */
export function narrowed(values: Numbers): Numbers {
  const bytes = widthOf(values);
  if (bytes >= values.BYTES_PER_ELEMENT) return values;
  return bytes === 1 ? Uint8Array.from(values) : bytes === 2 ? Uint16Array.from(values) : Uint32Array.from(values);
}

function widthOf(values: Numbers): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value === value >>> 0) most |= value;
    else return Float64Array.BYTES_PER_ELEMENT;
  }
  most >>>= 0;
  return most < 0x100 ? 1 : most < 0x1_0000 ? 2 : 4;
}
