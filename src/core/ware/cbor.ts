import type { ByteString } from '../bytes.ts';
import { assert } from '../errors.ts';

/** The upper three bits of a data item's first byte. RFC 8949, 3.1. */
const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;
type Major = (typeof Major)[keyof typeof Major];

const NULL = 0xf6;
const TRUE = 0xf5;
const INDEFINITE_ARRAY = 0x9f;
const BREAK = 0xff;

/**
 * Writes CBOR (RFC 8949) as refmt does, the library of rio and Repeatr: every number in the fewest bytes, maps and arrays with their
 * length in front or, where it is not known, arrays that end in a break. What is written may not be well-formed as a whole: the
 * caller writes as many items as it said.
 */
export class CborWriter {
  #written = new Uint8Array(256);
  #length = 0;

  /** A whole number, at most 2^53 either way. */
  integer(value: number): this {
    assert(Number.isSafeInteger(value), () => `${value} is no whole number`);
    return value < 0 ? this.#head(Major.negative, -1 - value) : this.#head(Major.unsigned, value);
  }

  boolean(value: boolean): this {
    return this.#raw(value ? TRUE : TRUE - 1);
  }

  null(): this {
    return this.#raw(NULL);
  }

  bytes(value: Uint8Array): this {
    this.#head(Major.bytes, value.length);
    const start = this.#room(value.length);
    this.#written.set(value, start);
    return this;
  }

  /** A text string of the bytes that are given, valid UTF-8 or not. */
  text(value: ByteString): this {
    this.#head(Major.text, value.length);
    const start = this.#room(value.length);
    for (let i = 0; i < value.length; i++) this.#written[start + i] = value.charCodeAt(i);
    return this;
  }

  /** Begins a map of so many keys, each followed by its value. */
  map(entries: number): this {
    return this.#head(Major.map, entries);
  }

  /** Begins an array of so many elements. */
  array(elements: number): this {
    return this.#head(Major.array, elements);
  }

  /** Begins an array that `end` ends. */
  openArray(): this {
    return this.#raw(INDEFINITE_ARRAY);
  }

  end(): this {
    return this.#raw(BREAK);
  }

  /** All that was written; nothing may follow. */
  finish(): Uint8Array {
    return this.#written.subarray(0, this.#length);
  }

  #raw(byte: number): this {
    const at = this.#room(1);
    this.#written[at] = byte;
    return this;
  }

  #head(major: Major, value: number): this {
    if (value < 24) return this.#raw((major << 5) | value);
    const form = value < 0x100 ? 0 : value < 0x1_0000 ? 1 : value < 0x1_0000_0000 ? 2 : 3;
    this.#raw((major << 5) | (24 + form));
    const start = this.#room(1 << form);
    let rest = value;
    for (let at = this.#length - 1; at >= start; at--) {
      this.#written[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  /** Makes room for so many bytes, which may move what was written, and returns where they begin. */
  #room(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#written.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#written.length * 2));
      grown.set(this.#written.subarray(0, start));
      this.#written = grown;
    }
    return start;
  }
}
