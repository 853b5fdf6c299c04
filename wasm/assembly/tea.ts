import { addToState, STATE } from './state';
import { packWords, WORDS } from './words';

const DELTA: u32 = 0x9e3779b9;

/** 16 cycles of the Tiny Encryption Algorithm over two words of the state, keyed by four words of the name. */
function transform(): void {
  const key0 = load<u32>(WORDS);
  const key1 = load<u32>(WORDS, 4);
  const key2 = load<u32>(WORDS, 8);
  const key3 = load<u32>(WORDS, 12);
  let left = load<u32>(STATE);
  let right = load<u32>(STATE, 4);
  let sum: u32 = 0;
  for (let cycle = 0; cycle < 16; cycle++) {
    sum += DELTA;
    left += ((right << 4) + key0) ^ (right + sum) ^ ((right >>> 5) + key1);
    right += ((left << 4) + key2) ^ (left + sum) ^ ((left >>> 5) + key3);
  }
  addToState(0, left);
  addToState(1, right);
}

export function tea(at: usize, length: u32, signed: bool): void {
  for (let left: i32 = length; left > 0; left -= 16, at += 16) {
    packWords(at, left, 4, signed);
    transform();
  }
}
