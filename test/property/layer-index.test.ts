import { crc32c } from 'ext2fs-wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString } from '../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../src/core/layer/entry.ts';
import { decodeLayerIndex, encodeLayerIndex, INDEX_VERSION } from '../../src/core/layer/index-file.ts';
import { entryXattrs, type LayerIndex, LayerIndexBuilder } from '../../src/core/layer/layer-index.ts';

const text = fc.uint8Array({ maxLength: 40 }).map(byteString);
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const position = fc.maxSafeNat();
const xattr = fc.record({ name: text, value: fc.uint8Array({ maxLength: 20 }) });

const entry: fc.Arbitrary<LayerEntry> = fc.record({
  type: fc.constantFrom(...Object.values(EntryType)),
  path: text,
  linkPath: text,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: u32,
  gid: u32,
  mtimeSeconds: fc.maxSafeInteger(),
  mtimeNanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  size: position,
  dataOffset: position,
  segments: fc.option(fc.array(fc.record({ offset: position, length: position }), { maxLength: 4 }), {
    nil: undefined,
  }),
  deviceMajor: fc.integer({ min: 0, max: 0xfff }),
  deviceMinor: fc.integer({ min: 0, max: 0xfffff }),
  xattrs: fc.uniqueArray(xattr, { maxLength: 3, selector: ({ name }) => name }),
  headerOffset: position,
});

const index = fc.array(entry, { maxLength: 20 }).map((entries) => {
  const builder = new LayerIndexBuilder();
  for (const one of entries) builder.add(one);
  return builder.finish();
});

/** Makes the last word right again, so that what is damaged has to be found by looking. */
function seal(bytes: Uint8Array): Uint8Array {
  const sealed = bytes.slice();
  const body = sealed.subarray(0, -4);
  new Uint32Array(sealed.buffer, body.length, 1)[0] = crc32c(0, body);
  return sealed;
}

describe('the file of a layer index', () => {
  it('gives back every index, wherever its bytes lie in memory', () => {
    fc.assert(
      fc.property(index, fc.nat({ max: 9 }), (made: LayerIndex, shift) => {
        const bytes = encodeLayerIndex(made);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        expect(decodeLayerIndex(moved)).toEqual(made);
      }),
    );
  });

  it('is refused with any byte changed or cut off', () => {
    fc.assert(
      fc.property(index, fc.nat(), fc.integer({ min: 1, max: 255 }), (made, where, change) => {
        const bytes = encodeLayerIndex(made);
        const at = where % bytes.length;
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(decodeLayerIndex(damaged)).toBeUndefined();
        expect(decodeLayerIndex(bytes.subarray(0, at))).toBeUndefined();
      }),
    );
  });

  it('never throws and never leads outside itself, even damaged under a right checksum', () => {
    fc.assert(
      fc.property(
        index,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        (made, changes) => {
          const damaged = encodeLayerIndex(made);
          for (const [where, byte] of changes) damaged[where % damaged.length] = byte;
          const read = decodeLayerIndex(seal(damaged));
          if (read === undefined) return;
          expect(read.pathEnd.at(-1) ?? 0).toBe(read.pathBytes.length);
          expect(read.linkPathEnd.at(-1) ?? 0).toBe(read.linkPathBytes.length);
          expect(read.xattrSet.every((set) => set <= read.xattrSets.ends.length)).toBe(true);
          for (let i = 0; i < read.count; i++) entryXattrs(read, i);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused with another version or byte order', () => {
    const bytes = encodeLayerIndex(new LayerIndexBuilder().finish());
    expect(decodeLayerIndex(bytes)?.count).toBe(0);
    const newer = bytes.slice();
    newer[8] = INDEX_VERSION + 1;
    expect(decodeLayerIndex(seal(newer))).toBeUndefined();
    const turned = bytes.slice();
    turned.set(bytes.slice(12, 16).reverse(), 12);
    expect(decodeLayerIndex(seal(turned))).toBeUndefined();
  });
});
