import { ImageError, type ImageErrorCode } from '../errors.ts';

/** A value of a JSON document, with its place for errors: `manifest sha256:…, layers[2].digest`. */
export class JsonValue {
  readonly #value: unknown;
  readonly #document: string;
  readonly #place: string;
  readonly #code: ImageErrorCode;

  constructor(value: unknown, document: string, place = '', code: ImageErrorCode = 'oci-invalid') {
    this.#value = value;
    this.#document = document;
    this.#place = place;
    this.#code = code;
  }

  /** Reads a document of at most `bytesMax` bytes in UTF-8; `document` names it in errors, which have `code`. */
  static parse(bytes: Uint8Array, document: string, bytesMax: number, code: ImageErrorCode = 'oci-invalid'): JsonValue {
    if (bytes.length > bytesMax) {
      throw new ImageError(code, `${document} has ${bytes.length} bytes, at most ${bytesMax} are read`);
    }
    try {
      return new JsonValue(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), document, '', code);
    } catch (error) {
      throw new ImageError(code, `${document} is not JSON`, {}, { cause: error });
    }
  }

  get isPresent(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  /** A member of an object; absent when the object has none of that name. */
  get(key: string): JsonValue {
    const object = this.#object();
    const value = Object.hasOwn(object, key) ? object[key] : undefined;
    return new JsonValue(value, this.#document, this.#place === '' ? key : `${this.#place}.${key}`, this.#code);
  }

  /** Refuses an object that has a member of any other name. */
  allowOnly(keys: readonly string[]): void {
    const other = Object.keys(this.#object()).find((key) => !keys.includes(key));
    if (other !== undefined) throw this.invalid(`only ${keys.join(', ')}`, JSON.stringify(other.slice(0, SHOWN_MAX)));
  }

  /** The members of an object of at most `countMax`, in their order; none where it is absent. */
  members(countMax: number): [key: string, value: JsonValue][] {
    if (!this.isPresent) return [];
    const keys = Object.keys(this.#object());
    if (keys.length > countMax) throw this.invalid(`at most ${countMax} members`, `${keys.length}`);
    return keys.map((key) => [key, this.get(key)]);
  }

  /** The elements of an array of at most `countMax`; none where it is absent. */
  elements(countMax: number): JsonValue[] {
    if (!this.isPresent) return [];
    if (!Array.isArray(this.#value)) throw this.invalid('an array');
    if (this.#value.length > countMax) throw this.invalid(`at most ${countMax} elements`, `${this.#value.length}`);
    return this.#value.map((value, i) => new JsonValue(value, this.#document, `${this.#place}[${i}]`, this.#code));
  }

  string(lengthMax = 4096): string {
    if (typeof this.#value !== 'string') throw this.invalid('a string');
    if (this.#value.length > lengthMax) throw this.invalid(`at most ${lengthMax} characters`);
    return this.#value;
  }

  optionalString(): string | undefined {
    return this.isPresent ? this.string() : undefined;
  }

  /** A string where there is one. */
  optionalText(): string | undefined {
    return typeof this.#value === 'string' ? this.#value : undefined;
  }

  /** A string of a form, which `expected` names for people. */
  matching(form: RegExp, expected: string): string {
    if (typeof this.#value !== 'string' || !form.test(this.#value)) throw this.invalid(expected);
    return this.#value;
  }

  /** A number where there is one. */
  optionalNumber(): number | undefined {
    return typeof this.#value === 'number' ? this.#value : undefined;
  }

  /** True or false where it is there. */
  optionalBoolean(): boolean | undefined {
    if (!this.isPresent || typeof this.#value === 'boolean') return this.#value as boolean | undefined;
    throw this.invalid('true or false');
  }

  /** One of a few values. */
  oneOf<T extends string | number>(values: readonly T[]): T {
    const found = values.find((value) => value === this.#value);
    if (found === undefined) throw this.invalid(values.join(' or '));
    return found;
  }

  /** A whole number from `min` to `max`. */
  integer(min: number, max: number): number {
    const value = this.#value;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.invalid(`a whole number, ${min} to ${max}`);
  }

  /** A whole number from 0 to 2^53 - 1. */
  size(): number {
    if (!Number.isSafeInteger(this.#value) || (this.#value as number) < 0) throw this.invalid('a size in bytes');
    return this.#value as number;
  }

  /** An error about this value: what was expected, and what was found. */
  invalid(expected: string, found = describe(this.#value)): ImageError {
    const place = this.#place === '' ? this.#document : `${this.#document}, ${this.#place}`;
    return new ImageError(this.#code, `${place}: ${found}, expected ${expected}`);
  }

  #object(): Record<string, unknown> {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value)) {
      throw this.invalid('an object');
    }
    return this.#value as Record<string, unknown>;
  }
}

const SHOWN_MAX = 80;

/** A value for people, without control characters. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}
