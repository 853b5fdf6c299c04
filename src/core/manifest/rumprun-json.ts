import { ImageError } from '../errors.ts';

/** A value of Rumprun's configuration. All that is no list is a string, whose escapes stay as they are written: its reader decodes none. */
export type RumprunValue = string | readonly RumprunValue[] | RumprunMembers;

/** The members of an object, in order; a key that comes again is how there are several of a kind. */
export interface RumprunMembers {
  readonly members: readonly RumprunMember[];
}
export type RumprunMember = readonly [key: string, value: RumprunValue];

/** The longest configuration that is read, in bytes, as Rumprun reads it from a disk. */
const BYTES_MAX = 64 * 1024;
/** How deep lists and objects lie in each other; Rumprun's own forms take four. */
const DEPTH_MAX = 16;

const STRING = /"((?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*)"/uy;
const SPACE = /[\t\n\r ]*/y;
/** Commas are not counted: the launcher of Rumprun itself writes them behind opening braces and after the end. */
const BETWEEN = /[\t\n\r ,]*/y;

/**
 * Reads a configuration as Rumprun does: what is in front of the first brace is the kernel's name, keys and commas may come again and
 * again, and objects without a key are as if their members stood there. `name` names it in errors. Throws `manifest-invalid`.
 */
export function parseRumprunJson(bytes: Uint8Array, name: string): RumprunMembers {
  if (bytes.length > BYTES_MAX) {
    throw new ImageError('manifest-invalid', `${name} has ${bytes.length} bytes, at most ${BYTES_MAX} are read`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new ImageError('manifest-invalid', `${name} is not UTF-8`, {}, { cause: error });
  }
  return new Reader(text, name).configuration();
}

class Reader {
  readonly #text: string;
  readonly #name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  configuration(): RumprunMembers {
    const start = this.#text.indexOf('{');
    if (start < 0) throw this.#unexpected('an object');
    this.#at = start + 1;
    const members = this.#members(1);
    if (this.#next() !== undefined) throw this.#unexpected('the end');
    return { members };
  }

  #members(depth: number): RumprunMember[] {
    const members: RumprunMember[] = [];
    for (;;) {
      const next = this.#next();
      if (next === '}') {
        this.#at++;
        return members;
      }
      if (next === '{') {
        this.#enter(depth);
        members.push(...this.#members(depth + 1));
        continue;
      }
      if (next !== '"') throw this.#unexpected('a key or }');
      const key = this.#string();
      if (this.#after(SPACE) !== ':') throw this.#unexpected(':');
      this.#at++;
      // Behind a comma here Rumprun would take the value for another key.
      this.#after(SPACE);
      members.push([key, this.#value(depth)]);
      this.#checkEnd();
    }
  }

  /** Behind a string Rumprun would take the next key for one more value: a comma has to be in between. */
  #checkEnd(): void {
    const isString = this.#text[this.#at - 1] === '"';
    const next = this.#after(SPACE);
    if (isString && next !== ',' && next !== '}') throw this.#unexpected(', or }');
  }

  #value(depth: number): RumprunValue {
    const next = this.#text[this.#at];
    if (next === '"') return this.#string();
    if (next === '{') {
      this.#enter(depth);
      return { members: this.#members(depth + 1) };
    }
    if (next === '[') {
      this.#enter(depth);
      return this.#elements(depth + 1);
    }
    throw this.#unexpected('a string, an object or a list');
  }

  #elements(depth: number): RumprunValue[] {
    const elements: RumprunValue[] = [];
    while (this.#next() !== ']') elements.push(this.#value(depth));
    this.#at++;
    return elements;
  }

  #enter(depth: number): void {
    if (depth >= DEPTH_MAX) throw this.#unexpected(`at most ${DEPTH_MAX} levels`);
    this.#at++;
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    const match = STRING.exec(this.#text);
    if (match === null) throw this.#unexpected('a string with an end, without control characters');
    this.#at = STRING.lastIndex;
    return match[1] ?? '';
  }

  /** The next character that is no separator; undefined at the end. */
  #next(): string | undefined {
    return this.#after(BETWEEN);
  }

  /** The character behind what matches, which may be nothing. */
  #after(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    pattern.exec(this.#text);
    this.#at = pattern.lastIndex;
    return this.#text[this.#at];
  }

  #unexpected(expected: string): ImageError {
    const found = this.#text[this.#at];
    const shown = found === undefined ? 'the end' : JSON.stringify(found);
    return new ImageError(
      'manifest-invalid',
      `${this.#name}, character ${this.#at + 1}: ${shown}, expected ${expected}`,
    );
  }
}

/** The text of a configuration: strict JSON but for its repeated keys, without spaces. */
export function formatRumprunJson(value: RumprunValue): string {
  if (typeof value === 'string') return `"${value}"`;
  if ('members' in value) {
    return `{${value.members.map(([key, member]) => `"${key}":${formatRumprunJson(member)}`).join(',')}}`;
  }
  return `[${value.map(formatRumprunJson).join(',')}]`;
}
