import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dirHash, dirHashes, HashVersion } from '../index.ts';
import { dirHash as twin } from '../twin/dirhash.ts';

const NO_SEED = new Uint32Array(4);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const versions = Object.values(HashVersion);

const aName = fc.uint8Array({ maxLength: 255 });
const aVersion = fc.constantFrom(...versions);
const aSeed = fc.oneof(fc.constant(NO_SEED), fc.uint32Array({ minLength: 4, maxLength: 4 }));

describe('one name', () => {
  // From e2fsprogs: debugfs -R 'dx_hash -h VERSION hello'
  test.each([
    [HashVersion.legacy, 0x32252546, 0],
    [HashVersion.half_md4, 0x1746da32, 0x420013b5],
    [HashVersion.tea, 0x6f5bb1a8, 0x231917c2],
    [HashVersion.legacy_unsigned, 0x32252546, 0],
    [HashVersion.half_md4_unsigned, 0x1746da32, 0x420013b5],
    [HashVersion.tea_unsigned, 0x6f5bb1a8, 0x231917c2],
  ])('version %i of "hello"', (version, hash, minorHash) => {
    expect(dirHash(bytes('hello'), version, NO_SEED)).toEqual({ hash, minorHash });
  });

  test('characters above 0x7f tell signed from unsigned', () => {
    const name = bytes('héllo');
    expect(dirHash(name, HashVersion.half_md4, NO_SEED)).toEqual({ hash: 0x98e030c8, minorHash: 0xe189ee6e });
    expect(dirHash(name, HashVersion.half_md4_unsigned, NO_SEED)).toEqual({ hash: 0xa5c67250, minorHash: 0x6cd261bb });
  });

  test('the hash that marks the end of a directory is never given to a name', () => {
    expect(dirHash(bytes('mgrc2N'), HashVersion.legacy_unsigned, NO_SEED).hash).toBe(0xfffffffc);
    const seed = Uint32Array.of(0, 0xffffffff, 7, 0);
    expect(dirHash(bytes(''), HashVersion.half_md4_unsigned, seed)).toEqual({ hash: 0xfffffffc, minorHash: 7 });
  });

  test('a seed with one word set is used, zeros among it included', () => {
    const seed = Uint32Array.of(0, 0, 0, 1);
    expect(dirHash(bytes(''), HashVersion.tea, seed)).toEqual({ hash: 0, minorHash: 0 });
    expect(dirHash(bytes(''), HashVersion.tea, NO_SEED)).toEqual({ hash: 0x67452300, minorHash: 0xefcdab89 });
  });

  test('equals its twin', () => {
    fc.assert(
      fc.property(aName, aVersion, aSeed, (name, version, seed) => {
        expect(dirHash(name, version, seed)).toEqual(twin(name, version, seed));
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses what the format has no place for', () => {
    const name = new Uint8Array(256);
    expect(() => dirHash(name, HashVersion.tea, NO_SEED)).toThrow('name 0 of 256 bytes, expected at most 255');
    expect(() => dirHash(bytes('a'), 6 as HashVersion, NO_SEED)).toThrow('hash version 6, expected 0 to 5');
    expect(() => dirHash(bytes('a'), HashVersion.tea, new Uint32Array(3))).toThrow('seed of 3 words, expected 4');
  });
});

describe('many names', () => {
  /** Names one behind the other, and where each ends. */
  function arena(names: readonly Uint8Array[]): { all: Uint8Array; ends: Uint32Array } {
    let length = 0;
    const ends = Uint32Array.from(names, (name) => (length += name.length));
    const all = new Uint8Array(length);
    for (const [i, name] of names.entries()) all.set(name, ends[i]! - name.length);
    return { all, ends };
  }

  function hashAll(names: readonly Uint8Array[], version: HashVersion, seed: Uint32Array): Uint32Array {
    const { all, ends } = arena(names);
    const out = new Uint32Array(2 * names.length);
    dirHashes(all, ends, version, seed, out);
    return out;
  }

  test('equal one by one', () => {
    fc.assert(
      fc.property(fc.array(aName, { maxLength: 40 }), aVersion, aSeed, (names, version, seed) => {
        const singles = names.flatMap((name) => Object.values(twin(name, version, seed)));
        expect(Array.from(hashAll(names, version, seed))).toEqual(singles);
      }),
    );
  });

  test.each([
    ['more names than one batch takes', 3000, 5],
    ['exactly two batches of names', 2048, 8],
    ['more bytes than one batch takes', 900, 255],
  ])('%s', (_label, count, length) => {
    const names = Array.from({ length: count }, (_, i) => bytes(`${i}`.padStart(length, '-')));
    const singles = names.flatMap((name) => Object.values(twin(name, HashVersion.half_md4_unsigned, NO_SEED)));
    expect(Array.from(hashAll(names, HashVersion.half_md4_unsigned, NO_SEED))).toEqual(singles);
  });

  test.each([
    ['an end behind the names', [2, 9], 4, 'name 1 ends at 9, expected 2 to 8'],
    ['an end before the one before', [3, 2], 4, 'name 1 ends at 2, expected 3 to 8'],
    ['too little room', [1, 2], 3, '3 words for hashes, expected 4'],
  ])('refuse %s', (_, ends, room, message) => {
    const run = (): void =>
      dirHashes(new Uint8Array(8), Uint32Array.from(ends), HashVersion.tea, NO_SEED, new Uint32Array(room));
    expect(run).toThrow(new RangeError(message));
  });

  test('refuse a name of 256 bytes', () => {
    const run = (): Uint32Array => hashAll([bytes('a'), new Uint8Array(256)], HashVersion.tea, NO_SEED);
    expect(run).toThrow(new RangeError('name 1 of 256 bytes, expected at most 255'));
  });
});
