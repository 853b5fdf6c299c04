import { type DirHash, HashVersion } from '../host/version.ts';

type Characters = Uint8Array | Int8Array;

const MD4_INITIAL = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
const state = new Int32Array(4);
const words = new Int32Array(8);

/** What the kernel of this name computes, in TypeScript. */
export function dirHash(name: Uint8Array, version: HashVersion, seed: Uint32Array): DirHash {
  const characters = version <= HashVersion.tea ? new Int8Array(name.buffer, name.byteOffset, name.length) : name;
  state.set(seed.some((word) => word !== 0) ? seed : MD4_INITIAL);
  switch (version) {
    case HashVersion.legacy:
    case HashVersion.legacy_unsigned:
      return { hash: reserveEof(legacy(characters)), minorHash: 0 };
    case HashVersion.half_md4:
    case HashVersion.half_md4_unsigned:
      for (let at = 0; at < characters.length; at += 32) halfMd4(characters, at);
      return { hash: reserveEof(state[1]!), minorHash: state[2]! >>> 0 };
    case HashVersion.tea:
    case HashVersion.tea_unsigned:
      for (let at = 0; at < characters.length; at += 16) tea(characters, at);
      return { hash: reserveEof(state[0]!), minorHash: state[1]! >>> 0 };
  }
}

/** The lowest bit of a hash marks collisions in an index, and 0xfffffffe its end. */
function reserveEof(hash: number): number {
  const even = (hash & ~1) >>> 0;
  return even === 0xfffffffe ? 0xfffffffc : even;
}

function pack(characters: Characters, start: number, count: number): void {
  const left = characters.length - start;
  words.fill(Math.imul(left, 0x01010101), 0, count);
  const end = Math.min(4 * count, left);
  for (let i = 0; i < end; i++) words[i >> 2] = (words[i >> 2]! << 8) + characters[start + i]!;
}

const ORDERS = [
  [0, 1, 2, 3, 4, 5, 6, 7],
  [1, 3, 5, 7, 0, 2, 4, 6],
  [3, 7, 2, 6, 1, 5, 0, 4],
].map((order) => Uint8Array.from(order));
const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
].map((shifts) => Uint8Array.from(shifts));
const CONSTANTS = [0, 0x5a827999, 0x6ed9eba1];

function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  if (round === 1) return (x & y) | (x & z) | (y & z);
  return x ^ y ^ z;
}

function halfMd4(characters: Characters, start: number): void {
  pack(characters, start, 8);
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (let round = 0; round < 3; round++) {
    const order = ORDERS[round]!;
    const shifts = SHIFTS[round]!;
    for (let step = 0; step < 8; step++) {
      const sum = (a + mix(round, b, c, d) + words[order[step]!]! + CONSTANTS[round]!) | 0;
      const shift = shifts[step & 3]!;
      a = d;
      d = c;
      c = b;
      b = (sum << shift) | (sum >>> (32 - shift));
    }
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}

function tea(characters: Characters, start: number): void {
  pack(characters, start, 4);
  let left = state[0]!;
  let right = state[1]!;
  let sum = 0;
  for (let cycle = 0; cycle < 16; cycle++) {
    sum = (sum + 0x9e3779b9) | 0;
    left = (left + half(right, sum, words[0]!, words[1]!)) | 0;
    right = (right + half(left, sum, words[2]!, words[3]!)) | 0;
  }
  state[0]! += left;
  state[1]! += right;
}

function half(other: number, sum: number, first: number, second: number): number {
  return ((other << 4) + first) ^ (other + sum) ^ ((other >>> 5) + second);
}

function legacy(characters: Characters): number {
  let previous = 0x37abe8f9;
  let current = 0x12a3fe2d;
  for (let i = 0; i < characters.length; i++) {
    let next = (previous + (current ^ Math.imul(characters[i]!, 7152373))) | 0;
    if (next < 0) next = (next - 0x7fffffff) | 0;
    previous = current;
    current = next;
  }
  return current << 1;
}
