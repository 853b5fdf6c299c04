import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString } from '../../src/core/bytes.ts';
import { LOSSLESS } from '../../src/core/ware/filters.ts';
import { base58 } from '../../src/core/ware/base58.ts';
import { CborWriter } from '../../src/core/ware/cbor.ts';
import { packWare } from '../../src/pack-ware.ts';
import { openPacked } from '../../src/sources/ware/open-fileset.ts';
import { scratch } from '../helpers/scratch.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { wareAt, writeTar } from '../helpers/wares.ts';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** The bytes of a text in base 58, by long arithmetic. */
function decodeBase58(text: string): Uint8Array {
  let value = 0n;
  for (const digit of text) value = value * 58n + BigInt(ALPHABET.indexOf(digit));
  const hex = value === 0n ? '' : value.toString(16);
  const zeros = /^1*/.exec(text)![0].length;
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')]);
}

type Item = number | boolean | null | Uint8Array | string | readonly Item[] | ReadonlyMap<string, Item>;

function write(writer: CborWriter, item: Item, isOpen: boolean): void {
  if (item === null) writer.null();
  else if (typeof item === 'number') writer.integer(item);
  else if (typeof item === 'boolean') writer.boolean(item);
  else if (typeof item === 'string') writer.text(item);
  else if (item instanceof Uint8Array) writer.bytes(item);
  else if (item instanceof Map) {
    writer.map(item.size);
    for (const [key, value] of item) {
      writer.text(key);
      write(writer, value, isOpen);
    }
  } else {
    const items = item as readonly Item[];
    if (isOpen) writer.openArray();
    else writer.array(items.length);
    for (const each of items) write(writer, each, isOpen);
    if (isOpen) writer.end();
  }
}

/** Reads one data item by RFC 8949, appendix C; throws for a number that is not written as short as it can be. */
class CborReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  item(): Item {
    const initial = this.#bytes[this.at++]!;
    const major = initial >> 5;
    if (major === 7) return [false, true, null][(initial & 31) - 20]!;
    if (initial === 0x9f) return this.#openArray();
    const value = this.#value(initial & 31);
    if (major === 0) return value;
    if (major === 1) return -1 - value;
    if (major === 2) return new Uint8Array(this.#take(value));
    if (major === 3) return byteString(this.#take(value));
    if (major === 4) return Array.from({ length: value }, () => this.item());
    return new Map(Array.from({ length: value }, () => [this.item() as string, this.item()]));
  }

  #openArray(): Item[] {
    const items: Item[] = [];
    while (this.#bytes[this.at]! < 0xff) items.push(this.item());
    this.at++;
    return items;
  }

  #value(form: number): number {
    if (form < 24) return form;
    const length = 2 ** (form - 24);
    const value = Number(`0x${this.#take(length).toString('hex')}`);
    if (value < (length === 1 ? 24 : 2 ** (4 * length))) throw new Error(`${value} in ${length} bytes`);
    return value;
  }

  #take(length: number): Buffer {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

const bytes = fc.uint8Array({ maxLength: 300 });
const text = bytes.map(byteString);
const item = fc.letrec<{ item: Item }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 70_000 }),
    bytes,
    text,
    fc.array(tie('item'), { maxLength: 30 }),
    fc
      .uniqueArray(fc.tuple(text, tie('item')), { maxLength: 30, selector: ([key]) => key })
      .map((pairs) => new Map(pairs)),
  ),
})).item;

describe('base 58', () => {
  it('is read back by long arithmetic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (value) => {
        expect(Buffer.from(decodeBase58(base58(value)))).toEqual(Buffer.from(value));
      }),
    );
  });
});

describe('CBOR', () => {
  it('is read back by another reader, to its end', () => {
    fc.assert(
      fc.property(item, fc.boolean(), (value, isOpen) => {
        const writer = new CborWriter();
        write(writer, value, isOpen);
        const reader = new CborReader(writer.finish());
        expect(reader.item()).toEqual(value);
        expect(reader.at).toBe(writer.finish().length);
      }),
    );
  });
});

const NAMES = ['a', 'b', 'a.b', 'A', '\xff\xfe', 'long'.repeat(40)];
const attributes = {
  mode: fc.integer({ min: 0, max: 0o777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtime: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
};
const fileset = fc
  .record({
    directories: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.record(attributes)), {
      selector: ([name]) => name,
    }),
    files: fc.uniqueArray(
      fc.tuple(
        fc.constantFrom('', ...NAMES.map((name) => `${name}/`)),
        fc.constantFrom(...NAMES),
        bytes,
        fc.record(attributes),
      ),
      { selector: ([folder, name]) => folder + name },
    ),
  })
  .map(({ directories, files }): TarEntry[] => {
    const folders = new Set(directories.map(([name]) => `${name}/`));
    return [
      { name: './' },
      ...directories.map(([name, rest]) => ({ name: `${name}/`, ...rest })),
      ...files
        .filter(([folder, name]) => (folder === '' ? !folders.has(`${name}/`) : folders.has(folder)))
        .map(([folder, name, data, rest]) => ({ name: folder + name, data, ...rest })),
    ];
  });

describe('a fileset', () => {
  it('keeps its hash when it is packed, as a tar and as a zip', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'wares'));
    await fc.assert(
      fc.asyncProperty(fileset, async (entries) => {
        const tar = writeTar(folder, 'a.tar', entries);
        const name = await wareAt(tar);
        for (const type of ['tar', 'zip'] as const) {
          const target = `file://${folder}/packed`;
          const opened = await openPacked(tar, 'tar', { cache: false });
          const packed = await packWare(opened, { type, filters: LOSSLESS, target }).finally(() => opened.close());
          expect(packed).toEqual({ type, hash: name.slice(4) });
          expect(await wareAt(target, type)).toBe(`${type}:${name.slice(4)}`);
        }
      }),
      { numRuns: 30 },
    );
    expect(execFileSync('ls', ['-A', folder]).toString().split('\n')).toEqual(['a.tar', 'packed', 'wares', '']);
  });
});
