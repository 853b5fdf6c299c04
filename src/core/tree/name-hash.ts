/** The key of a name hash: two 32-bit numbers. */
export type HashKey = readonly [number, number];

/**
 * HalfSipHash-1-3 of a name in a directory: names come from outside, and an unkeyed hash would let them collide at will.
 * Nothing of an image depends on it.
 */
export function nameHash(key: HashKey, directory: number, bytes: Uint8Array, start: number, length: number): number {
  let v0 = key[0];
  let v1 = key[1];
  let v2 = 0x6c796765 ^ key[0];
  let v3 = 0x74656462 ^ key[1];
  const words = (length >> 2) + 2;
  for (let w = 0; w < words + 3; w++) {
    const message = w < words ? word(w, directory, bytes, start, length) : 0;
    if (w === words) v2 ^= 0xff;
    v3 ^= message;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= message;
  }
  return (v1 ^ v3) >>> 0;
}

/** The message's word `w`: the directory, then the name's full words, then its rest with the length. */
function word(w: number, directory: number, bytes: Uint8Array, start: number, length: number): number {
  if (w === 0) return directory;
  const at = start + 4 * (w - 1);
  const left = start + length - at;
  let value = left >= 4 ? 0 : length << 24;
  for (let i = 0; i < 4 && i < left; i++) value |= (bytes[at + i] ?? 0) << (8 * i);
  return value;
}
