import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';

/** What a definition holds at one place. `position` counts characters of the text. */
export type Value =
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly source: string; readonly position: number }
  | { readonly kind: 'list'; readonly items: readonly Value[]; readonly position: number }
  | { readonly kind: 'map'; readonly members: readonly Member[]; readonly position: number };

type Scalar = string | number | boolean | null;

export interface Member {
  readonly key: string;
  readonly position: number;
  readonly value: Value;
}

/** The text that a definition was read from. */
export interface DefinitionText {
  /** As messages call it. */
  readonly name: string;
  /** From 1. */
  placeOf(position: number): { readonly line: number; readonly column: number };
}

/** The error of a definition: `image.yaml:3:9: …`. */
export function definitionError(text: DefinitionText, position: number, what: string): ImageError {
  const { line, column } = text.placeOf(position);
  return new ImageError('definition-invalid', what, { reference: `${text.name}:${line}:${column}` });
}

/** The most values that are read of one definition: aliases make many of few. */
const VALUES_MAX = 250_000;

/** Counts what was read of a definition. */
interface Budget {
  left: number;
}

/** A value, and the way that led to it. */
export class Cursor {
  readonly value: Value;
  readonly #text: DefinitionText;
  readonly #budget: Budget;
  /** What this is in: a key or a number leads from there to here. */
  readonly #parent: Cursor | undefined;
  readonly #step: string | number;

  constructor(
    value: Value,
    text: DefinitionText,
    budget: Budget = { left: VALUES_MAX },
    parent?: Cursor,
    step: string | number = '',
  ) {
    this.value = value;
    this.#text = text;
    this.#budget = budget;
    this.#parent = parent;
    this.#step = step;
    if (budget.left-- <= 0) throw this.failure('its aliases repeat too much');
  }

  /** The values of a list. */
  *items(): Generator<Cursor> {
    if (this.value.kind !== 'list') return;
    for (const [i, item] of this.value.items.entries()) yield this.#at(item, i);
  }

  /** The value of a member. */
  member({ key, value }: Member): Cursor {
    return this.#at(value, key);
  }

  /** `what` is wrong here, or at a position within. */
  failure(what: string, position = this.value.position): ImageError {
    const path = this.#path();
    return definitionError(this.#text, position, path === '' ? what : `${path}: ${what}`);
  }

  /** Something else is here than is expected. */
  unexpected(expected: string): ImageError {
    return this.failure(`found ${foundText(this.value)}, expected ${expected}`);
  }

  #at(value: Value, step: string | number): Cursor {
    return new Cursor(value, this.#text, this.#budget, this, step);
  }

  #path(): string {
    if (this.#parent === undefined) return '';
    const before = this.#parent.#path();
    if (typeof this.#step === 'number') return `${before}[${this.#step}]`;
    const isWord = /^[a-z_][\w-]*$/i.test(this.#step);
    if (!isWord) return `${before}["${shown(this.#step)}"]`;
    return before === '' ? this.#step : `${before}.${this.#step}`;
  }
}

/** Text of a definition as messages show it. */
export function shown(text: string): string {
  return displayName(utf8ByteString(text), 60);
}

function foundText(value: Value): string {
  if (value.kind !== 'scalar') return `a ${value.kind}`;
  const { scalar, source } = value;
  if (scalar === null) return 'nothing';
  return typeof scalar === 'string' ? `"${shown(scalar)}"` : shown(source);
}
