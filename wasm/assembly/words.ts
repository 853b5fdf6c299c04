/** The words of a name that half-MD4 and TEA consume: at most eight at a time. */
export const WORDS: usize = memory.data(32, 16);

export function character(at: usize, signed: bool): i32 {
  return signed ? (load<i8>(at) as i32) : (load<u8>(at) as i32);
}

/**
 * Packs `count` big-endian words of the `length` bytes at `at`. Where the name ends, words are filled from the left
 * with its length repeated. Characters are added, not or-ed: a signed one above 0x7f borrows from the one before.
 */
export function packWords(at: usize, length: u32, count: u32, signed: bool): void {
  const pad = length * 0x01010101;
  for (let i: u32 = 0; i < count; i++) {
    const start = i << 2;
    let word = pad;
    if (start + 4 <= length) {
      word = bswap<u32>(load<u32>(at + start));
      if (signed) word -= (word & 0x00808080) << 1;
    } else {
      for (let byte = start; byte < length; byte++) word = (word << 8) + character(at + byte, signed);
    }
    store<u32>(WORDS + start, word);
  }
}
