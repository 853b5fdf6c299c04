import type { JsonValue } from '../oci/json.ts';

/** The most members and elements of each object and array of a formula, and the longest text in it. */
export const COUNT_MAX = 65_536;
export const TEXT_MAX = 1024 * 1024;

/** The members of an object, checked and read; undefined where it is absent. */
export function mapOf<T>(
  value: JsonValue,
  check: (key: string, value: JsonValue) => void,
  read: (value: JsonValue) => T,
): ReadonlyMap<string, T> | undefined {
  if (!value.isPresent) return undefined;
  return new Map(
    value.members(COUNT_MAX).map(([key, each]) => {
      check(key, each);
      return [key, read(each)];
    }),
  );
}

export function checkPath(path: string, value: JsonValue): void {
  if (!path.startsWith('/')) throw value.invalid('an absolute path', JSON.stringify(path.slice(0, 80)));
  checkText(path, value);
}

/** What C's strings cannot hold no program can be given. */
export function checkText(text: string, value: JsonValue): void {
  if (text.includes('\0')) throw value.invalid('a text without NUL', JSON.stringify(text.slice(0, 80)));
}

export function checkVariable(name: string, value: JsonValue): void {
  if (/^[^=]+$/.test(name)) return checkText(name, value);
  throw value.invalid('a variable, whose name is not empty and has no =', JSON.stringify(name.slice(0, 80)));
}

export function textOf(value: JsonValue): string {
  const text = value.string(TEXT_MAX);
  checkText(text, value);
  return text;
}

export const textsOf = (value: JsonValue): string[] => value.elements(COUNT_MAX).map(textOf);

/** The filters of an input or an output as keys and values. */
export const filterMembers = (value: JsonValue): [string, string][] =>
  value.members(COUNT_MAX).map(([key, each]) => [key, each.string()]);
