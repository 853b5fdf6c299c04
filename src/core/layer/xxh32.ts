const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

/**
 * XXH32 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) of 32-bit words, against accidents,
 * not against attackers. On a big-endian host it is the digest of the words' bytes turned around.
 */
export function xxh32(words: Uint32Array): number {
  const stripes = words.length & ~3;
  let hash = stripes === 0 ? P5 : hashStripes(words, stripes);
  hash = (hash + words.length * 4) | 0;
  for (let i = stripes; i < words.length; i++) {
    hash = Math.imul(rotateLeft((hash + Math.imul(words[i] ?? 0, P3)) | 0, 17), P4);
  }
  hash = Math.imul(hash ^ (hash >>> 15), P2);
  hash = Math.imul(hash ^ (hash >>> 13), P3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hashStripes(words: Uint32Array, end: number): number {
  let a = (P1 + P2) | 0;
  let b = P2 | 0;
  let c = 0;
  let d = -P1 | 0;
  for (let i = 0; i < end; i += 4) {
    a = round(a, words[i] ?? 0);
    b = round(b, words[i + 1] ?? 0);
    c = round(c, words[i + 2] ?? 0);
    d = round(d, words[i + 3] ?? 0);
  }
  return (rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18)) | 0;
}

function round(lane: number, word: number): number {
  return Math.imul(rotateLeft((lane + Math.imul(word, P2)) | 0, 13), P1);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
