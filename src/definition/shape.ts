import { ImageError } from '../core/errors.ts';
import type { OptionValue } from '../image/option-values.ts';
import { nearest } from './nearest.ts';
import { type Cursor, shown } from './value.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What may stand at a place of a definition. */
export interface Shape<T> {
  /** For people: `a list of layers`. */
  readonly expected: string;
  readonly schema: JsonSchema;
  /** Throws `definition-invalid` where something else stands. */
  read(cursor: Cursor): T;
}

/** A key of a map. */
export interface Field<T> {
  readonly shape: Shape<T>;
  /** What it means, in Markdown. */
  readonly meaning: string;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a map of those keys reads as: what is not there is absent. */
export type Read<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer T> ? T : never };

export const field = <T>(shape: Shape<T>, meaning: string): Field<T> => ({ shape, meaning });

/** Text; a number in its place is most often a mistake. */
export const text: Shape<string> = {
  expected: 'text',
  schema: { type: 'string' },
  read: (cursor) => {
    const { value } = cursor;
    if (value.kind === 'scalar' && typeof value.scalar === 'string') return value.scalar;
    if (value.kind === 'scalar' && value.scalar !== null) throw cursor.unexpected('text: put it in quotes');
    throw cursor.unexpected('text');
  },
};

/** Text that says something, such as a path. */
export const wording = (expected: string, example: string): Shape<string> => ({
  expected,
  schema: { type: 'string', minLength: 1, examples: [example] },
  read: (cursor) => {
    const { value } = cursor;
    if (value.kind === 'scalar' && typeof value.scalar === 'string' && value.scalar !== '') return value.scalar;
    throw cursor.unexpected(`${expected}: ${example}`);
  },
});

/** What a command line has, too, in the same words. */
export const option = <T>({ expected, parse }: OptionValue<T>, types: readonly string[]): Shape<T> => ({
  expected,
  schema: { type: types.length === 1 ? types[0] : types },
  read: (cursor) => {
    const { value } = cursor;
    const isWord = value.kind === 'scalar' && (typeof value.scalar === 'string' || typeof value.scalar === 'number');
    const parsed = isWord ? parse(value.source) : undefined;
    if (parsed === undefined) throw cursor.unexpected(expected);
    return parsed;
  },
});

/** One of some words. */
export const choice = <T extends string>(...words: readonly [T, ...T[]]): Shape<T> => ({
  expected: words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
  schema: { enum: words },
  read(cursor) {
    const { value } = cursor;
    const word = words.find((each) => value.kind === 'scalar' && value.scalar === each);
    if (word === undefined) throw cursor.unexpected(this.expected);
    return word;
  },
});

/** A number or a truth value, and no other. */
export const constant = <const T extends number | boolean>(only: T): Shape<T> => ({
  expected: String(only),
  schema: { const: only },
  read: (cursor) => {
    if (cursor.value.kind === 'scalar' && cursor.value.scalar === only) return only;
    throw cursor.unexpected(String(only));
  },
});

export const flag: Shape<boolean> = {
  expected: 'true or false',
  schema: { type: 'boolean' },
  read: (cursor) => {
    const { value } = cursor;
    if (value.kind === 'scalar' && typeof value.scalar === 'boolean') return value.scalar;
    throw cursor.unexpected('true or false');
  },
};

/** The one where it fits, else the other. */
export const either = <A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> => ({
  expected: `${one.expected}, or ${other.expected}`,
  schema: { anyOf: [one.schema, other.schema] },
  read: (cursor) => (fits(one, cursor) ? one.read(cursor) : other.read(cursor)),
});

function fits(shape: Shape<unknown>, cursor: Cursor): boolean {
  try {
    shape.read(cursor);
    return true;
  } catch {
    return false;
  }
}

/** A list of at least one. */
export const list = <T>(item: Shape<T>, expected: string): Shape<readonly T[]> => ({
  expected,
  schema: { type: 'array', minItems: 1, items: item.schema },
  read: (cursor) => {
    if (cursor.value.kind !== 'list' || cursor.value.items.length === 0) throw cursor.unexpected(expected);
    return Array.from(cursor.items(), (each) => item.read(each));
  },
});

/** A map whose keys are the user's; `checkKey` throws ImageError for those that cannot be. */
export const mapOf = <T>(
  item: Shape<T>,
  expected: string,
  schemaOfKeys: JsonSchema,
  checkKey: (key: string) => string,
): Shape<Readonly<Record<string, T>>> => ({
  expected,
  schema: { type: 'object', propertyNames: schemaOfKeys, additionalProperties: item.schema },
  read: (cursor) => {
    if (cursor.value.kind !== 'map') throw cursor.unexpected(expected);
    const before = new Map<string, string>();
    const entries = cursor.value.members.map((member) => {
      const { key, position } = member;
      const normal = translated(
        () => checkKey(key),
        (what) => cursor.failure(what, position),
      );
      const same = before.get(normal);
      if (same !== undefined) {
        throw cursor.failure(`found "${shown(key)}", which is "${shown(same)}" again`, position);
      }
      before.set(normal, key);
      return [key, item.read(cursor.member(member))] as const;
    });
    return Object.fromEntries(entries);
  },
});

interface RecordOptions<F> {
  readonly required?: readonly (keyof F & string)[];
  /** Keys that somebody may expect, and why they are not there. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** More of the JSON Schema. */
  readonly schema?: JsonSchema;
}

/** A map of known keys. */
export const record = <F extends Fields>(
  fields: F,
  { required = [], unsupported = {}, schema = {} }: RecordOptions<F> = {},
): Shape<Read<F>> & { readonly fields: F } => {
  const names = Object.keys(fields);
  const expected = `a map of ${names.join(', ')}`;
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, { shape, meaning }]) => [
      name,
      { description: plain(meaning), ...shape.schema },
    ]),
  );
  return {
    fields,
    expected,
    schema: {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
      ...schema,
    },
    read: (cursor) => {
      if (cursor.value.kind !== 'map') throw cursor.unexpected(expected);
      const values: Record<string, unknown> = {};
      for (const member of cursor.value.members) {
        const { key, position } = member;
        if (Object.hasOwn(unsupported, key)) throw cursor.member(member).failure(unsupported[key]!, position);
        if (!Object.hasOwn(fields, key)) throw cursor.failure(unknownKey(key, names), position);
        values[key] = fields[key]!.shape.read(cursor.member(member));
      }
      const missing = required.find((name) => !Object.hasOwn(values, name));
      if (missing !== undefined) throw cursor.failure(`the key "${missing}" is missing`);
      return values as Read<F>;
    },
  };
};

function unknownKey(key: string, names: readonly string[]): string {
  const near = nearest(key, names);
  const expected = near === undefined ? `expected one of ${names.join(', ')}` : `did you mean "${near}"?`;
  return `found the unknown key "${shown(key)}", ${expected}`;
}

/** Markdown's code marks mean nothing elsewhere. */
const plain = (markdown: string): string => markdown.replaceAll('`', '');

/** What `make` makes; its ImageError as one of the definition. */
export function translated<T>(make: () => T, fail: (what: string) => ImageError): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof ImageError && error.code !== 'definition-invalid' ? fail(error.what) : error;
  }
}
