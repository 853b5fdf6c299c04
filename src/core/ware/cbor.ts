import { type ByteString, bytesOf } from '../bytes.ts';
import { assert } from '../errors.ts';
import { high32, low32 } from '../struct.ts';

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
  readonly #parts: Uint8Array[] = [];

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
    this.#parts.push(value);
    return this;
  }

  /** A text string of the bytes that are given, valid UTF-8 or not. */
  text(value: ByteString): this {
    this.#head(Major.text, value.length);
    this.#parts.push(bytesOf(value));
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

  /** All that was written. */
  finish(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #raw(byte: number): this {
    this.#parts.push(Uint8Array.of(byte));
    return this;
  }

  #head(major: Major, value: number): this {
    const head = new DataView(new ArrayBuffer(9));
    const put = (form: number, length: number): void => {
      head.setUint8(0, (major << 5) | form);
      this.#parts.push(new Uint8Array(head.buffer, 0, 1 + length));
    };
    if (value < 24) put(value, 0);
    else if (value < 0x100) {
      head.setUint8(1, value);
      put(24, 1);
    } else if (value < 0x1_0000) {
      head.setUint16(1, value);
      put(25, 2);
    } else if (value < 0x1_0000_0000) {
      head.setUint32(1, value);
      put(26, 4);
    } else {
      head.setUint32(1, high32(value));
      head.setUint32(5, low32(value));
      put(27, 8);
    }
    return this;
  }
}
