import { type DirHash, HashVersion } from '../host/version.ts';

type Words = number[];

const MD4_INITIAL: Words = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
const SIGNED: readonly HashVersion[] = [HashVersion.legacy, HashVersion.half_md4, HashVersion.tea];

/** The same function in TypeScript, straight from the description of ext4fs_dirhash. */
export function dirHash(name: Uint8Array, version: HashVersion, seed: Uint32Array): DirHash {
  const characters = Array.from(SIGNED.includes(version) ? new Int8Array(name) : name);
  const state = seed.some((word) => word !== 0) ? Array.from(seed) : MD4_INITIAL;
  if (version === HashVersion.legacy || version === HashVersion.legacy_unsigned) {
    return { hash: reserveEof(legacy(characters)), minorHash: 0 };
  }
  if (version === HashVersion.tea || version === HashVersion.tea_unsigned) {
    const [hash, minorHash] = digest(characters, state, 4, tea);
    return { hash: reserveEof(hash!), minorHash: minorHash! };
  }
  const [, hash, minorHash] = digest(characters, state, 8, halfMd4);
  return { hash: reserveEof(hash!), minorHash: minorHash! };
}

/** The lowest bit marks collisions in an index, and 0xfffffffe its end. */
export function reserveEof(hash: number): number {
  const even = (hash & ~1) >>> 0;
  return even === 0xfffffffe ? 0xfffffffc : even;
}

function digest(characters: number[], initial: Words, count: number, mix: (state: Words, words: Words) => Words): Words {
  let state = initial;
  for (let at = 0; at < characters.length; at += 4 * count) {
    const mixed = mix(state, pack(characters.slice(at), count));
    state = state.map((word, i) => (word + (mixed[i] ?? 0)) >>> 0);
  }
  return state;
}

function pack(characters: number[], count: number): Words {
  const { length } = characters;
  const pad = Math.imul(length, 0x01010101);
  return Array.from({ length: count }, (_, i) =>
    characters.slice(4 * i, 4 * i + 4).reduce((word, character) => ((word << 8) + character) | 0, pad),
  );
}

const ROUNDS = [
  { f: (x: number, y: number, z: number) => (x & y) | (~x & z), k: 0, order: [0, 1, 2, 3, 4, 5, 6, 7], shifts: [3, 7, 11, 19] },
  { f: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z), k: 0x5a827999, order: [1, 3, 5, 7, 0, 2, 4, 6], shifts: [3, 5, 9, 13] },
  { f: (x: number, y: number, z: number) => x ^ y ^ z, k: 0x6ed9eba1, order: [3, 7, 2, 6, 1, 5, 0, 4], shifts: [3, 9, 11, 15] },
];

function halfMd4(state: Words, words: Words): Words {
  let [a, b, c, d] = state as [number, number, number, number];
  for (const { f, k, order, shifts } of ROUNDS) {
    for (let step = 0; step < 8; step++) {
      const sum = (a + f(b, c, d) + words[order[step]!]! + k) | 0;
      const shift = shifts[step % 4]!;
      [a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c];
    }
  }
  return [a, b, c, d];
}

function tea(state: Words, key: Words): Words {
  let [left, right] = state as [number, number];
  const half = (other: number, sum: number, first: number, second: number): number =>
    ((other << 4) + first) ^ (other + sum) ^ ((other >>> 5) + second);
  for (let cycle = 1; cycle <= 16; cycle++) {
    const sum = Math.imul(cycle, 0x9e3779b9);
    left = (left + half(right, sum, key[0]!, key[1]!)) | 0;
    right = (right + half(left, sum, key[2]!, key[3]!)) | 0;
  }
  return [left, right];
}

function legacy(characters: number[]): number {
  let previous = 0x37abe8f9;
  let current = 0x12a3fe2d;
  for (const character of characters) {
    let next = (previous + (current ^ Math.imul(character, 7152373))) | 0;
    if (next < 0) next = (next - 0x7fffffff) | 0;
    [previous, current] = [current, next];
  }
  return current << 1;
}
