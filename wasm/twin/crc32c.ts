const POLYNOMIAL = 0x82f63b78;

/** Row k, 256 words each: the crc of a byte followed by k zero bytes. */
const TABLE = new Uint32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  TABLE[byte] = crc;
}
for (let i = 256; i < TABLE.length; i++) TABLE[i] = (TABLE[i - 256]! >>> 8) ^ TABLE[TABLE[i - 256]! & 0xff]!;

/** What the kernel of this name computes, in TypeScript: eight bytes a step. */
export function crc32c(seed: number, bytes: Uint8Array): number {
  const { length } = bytes;
  let crc = seed;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    crc =
      TABLE[0x700 + ((bytes[at]! ^ crc) & 0xff)]! ^
      TABLE[0x600 + ((bytes[at + 1]! ^ (crc >>> 8)) & 0xff)]! ^
      TABLE[0x500 + ((bytes[at + 2]! ^ (crc >>> 16)) & 0xff)]! ^
      TABLE[0x400 + (bytes[at + 3]! ^ (crc >>> 24))]! ^
      TABLE[0x300 + bytes[at + 4]!]! ^
      TABLE[0x200 + bytes[at + 5]!]! ^
      TABLE[0x100 + bytes[at + 6]!]! ^
      TABLE[bytes[at + 7]!]!;
  }
  for (; at < length; at++) crc = (crc >>> 8) ^ TABLE[(bytes[at]! ^ crc) & 0xff]!;
  return crc >>> 0;
}
