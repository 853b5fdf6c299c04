import { character } from './words';

export function legacy(at: usize, length: u32, signed: bool): u32 {
  let previous: u32 = 0x37abe8f9;
  let current: u32 = 0x12a3fe2d;
  for (const end = at + length; at < end; at++) {
    let next = previous + (current ^ (character(at, signed) * 7152373));
    if (next & 0x80000000) next -= 0x7fffffff;
    previous = current;
    current = next;
  }
  return current << 1;
}
