import { addToState, STATE } from './state';
import { packWords, WORDS } from './words';

const SQRT2: u32 = 0x5a827999;
const SQRT3: u32 = 0x6ed9eba1;

function word(index: u32): u32 {
  return load<u32>(WORDS + (index << 2));
}

function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}

function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) | ((x ^ y) & z);
}

/** Three rounds of eight steps over the words: MD4's round functions and constants with ext4's order and rotations. */
function transform(): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);

  for (let i: u32 = 0; i < 8; i += 4) {
    a = rotl<u32>(a + choose(b, c, d) + word(i), 3);
    d = rotl<u32>(d + choose(a, b, c) + word(i + 1), 7);
    c = rotl<u32>(c + choose(d, a, b) + word(i + 2), 11);
    b = rotl<u32>(b + choose(c, d, a) + word(i + 3), 19);
  }
  for (let i: i32 = 1; i >= 0; i--) {
    a = rotl<u32>(a + majority(b, c, d) + word(i) + SQRT2, 3);
    d = rotl<u32>(d + majority(a, b, c) + word(i + 2) + SQRT2, 5);
    c = rotl<u32>(c + majority(d, a, b) + word(i + 4) + SQRT2, 9);
    b = rotl<u32>(b + majority(c, d, a) + word(i + 6) + SQRT2, 13);
  }
  for (let i: i32 = 3; i > 0; i -= 2) {
    a = rotl<u32>(a + (b ^ c ^ d) + word(i) + SQRT3, 3);
    d = rotl<u32>(d + (a ^ b ^ c) + word(i + 4) + SQRT3, 9);
    c = rotl<u32>(c + (d ^ a ^ b) + word(i - 1) + SQRT3, 11);
    b = rotl<u32>(b + (c ^ d ^ a) + word(i + 3) + SQRT3, 15);
  }

  addToState(0, a);
  addToState(1, b);
  addToState(2, c);
  addToState(3, d);
}

export function halfMd4(at: usize, length: u32, signed: bool): void {
  for (let left: i32 = length; left > 0; left -= 32, at += 32) {
    packWords(at, left, 8, signed);
    transform();
  }
}
