import { byteString } from '../bytes.ts';
import { type Column, u8Column, u32Column } from '../columns.ts';
import type { Xattr } from './entry.ts';

/**
 * Sets of xattrs as bytes, one after another: the count of a set, then of each xattr the lengths of its name and its value, and both.
 * Numbers are u32, little-endian.
 */
export interface XattrSets {
  readonly bytes: Uint8Array;
  /** Where each set ends in `bytes`. */
  readonly ends: Uint32Array;
}

const COUNT_BYTES = 4;
const LENGTHS_BYTES = 8;

/** The set of that number, from 0. */
export function xattrSetAt({ bytes, ends }: XattrSets, number: number): Xattr[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = number === 0 ? 0 : ends[number - 1]!;
  const count = view.getUint32(at, true);
  const xattrs: Xattr[] = [];
  at += COUNT_BYTES;
  for (let i = 0; i < count; i++) {
    const nameEnd = at + LENGTHS_BYTES + view.getUint32(at, true);
    const valueEnd = nameEnd + view.getUint32(at + 4, true);
    xattrs.push({
      name: byteString(bytes.subarray(at + LENGTHS_BYTES, nameEnd)),
      value: bytes.subarray(nameEnd, valueEnd),
    });
    at = valueEnd;
  }
  return xattrs;
}

/** The sets in `bytes`; undefined when they do not end where the bytes do. */
export function findXattrSets(bytes: Uint8Array): XattrSets | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ends = u32Column();
  for (let at = 0; at < bytes.length; ends.push(at)) {
    if (at + COUNT_BYTES > bytes.length) return undefined;
    let left = view.getUint32(at, true);
    at += COUNT_BYTES;
    for (; left > 0; left--) {
      if (at + LENGTHS_BYTES > bytes.length) return undefined;
      at += LENGTHS_BYTES + view.getUint32(at, true) + view.getUint32(at + 4, true);
    }
    if (at > bytes.length) return undefined;
  }
  return { bytes, ends: ends.trimmed() };
}

/** Gathers sets; equal ones are one. */
export class XattrSetsBuilder {
  readonly #bytes = u8Column();
  readonly #ends = u32Column();
  readonly #numbers = new Map<string, number>();

  /** The number of a set, from 0; the order of its xattrs does not matter. */
  add(xattrs: readonly Xattr[]): number {
    const sorted = xattrs.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const key = sorted.map(({ name, value }) => `${name}\0${value.length}\0${byteString(value)}`).join('');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const length = sorted.reduce(
      (sum, { name, value }) => sum + LENGTHS_BYTES + name.length + value.length,
      COUNT_BYTES,
    );
    writeSet(sorted, this.#bytes, this.#bytes.extend(length));
    const number = this.#ends.push(this.#bytes.length);
    this.#numbers.set(key, number);
    return number;
  }

  finish(): XattrSets {
    return { bytes: this.#bytes.trimmed(), ends: this.#ends.trimmed() };
  }
}

function writeSet(xattrs: readonly Xattr[], { values }: Column<Uint8Array>, start: number): void {
  const view = new DataView(values.buffer);
  view.setUint32(start, xattrs.length, true);
  let at = start + COUNT_BYTES;
  for (const { name, value } of xattrs) {
    view.setUint32(at, name.length, true);
    view.setUint32(at + 4, value.length, true);
    at += LENGTHS_BYTES;
    for (let i = 0; i < name.length; i++) values[at++] = name.charCodeAt(i);
    values.set(value, at);
    at += value.length;
  }
}
