import { INPUT } from './memory';

/** Castagnoli's polynomial, bits reflected. */
const POLYNOMIAL: u32 = 0x82f63b78;

/** 16 tables of 256 u32: table k holds the crc of a byte followed by k zero bytes. */
const TABLES: usize = memory.data(16 * 1024, 16);

export function fillTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(TABLES + (byte << 2), crc);
  }
  for (let at: usize = TABLES + 1024; at < TABLES + 16 * 1024; at += 4) {
    const crc = load<u32>(at - 1024);
    store<u32>(at, (crc >>> 8) ^ load<u32>(TABLES + ((crc & 0xff) << 2)));
  }
}

/** The four bytes of `word`, the first of them followed by `zeros` bytes of the slice. */
function slice(word: u32, zeros: u32): u32 {
  const table = TABLES + ((zeros - 3) << 10);
  return (
    load<u32>(table + ((word & 0xff) << 2), 3 * 1024) ^
    load<u32>(table + (((word >>> 8) & 0xff) << 2), 2 * 1024) ^
    load<u32>(table + (((word >>> 16) & 0xff) << 2), 1024) ^
    load<u32>(table + ((word >>> 24) << 2))
  );
}

/** Continues `crc` over the first `length` bytes of INPUT, 16 at a time. */
export function crc32c(crc: u32, length: u32): u32 {
  let at = INPUT;
  const end = INPUT + length;
  for (; at + 16 <= end; at += 16) {
    crc =
      slice(load<u32>(at) ^ crc, 15) ^
      slice(load<u32>(at, 4), 11) ^
      slice(load<u32>(at, 8), 7) ^
      slice(load<u32>(at, 12), 3);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ load<u32>(TABLES + (((crc ^ load<u8>(at)) & 0xff) << 2));
  return crc;
}
