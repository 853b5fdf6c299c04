import { halfMd4 } from './half-md4';
import { legacy } from './legacy';
import { ENDS, HASHES, INPUT } from './memory';
import { STATE, startState } from './state';
import { tea } from './tea';

/** The last hash is the mark of a directory's end (EXT4_HTREE_EOF_32BIT << 1); a name that has it gets the one before. */
const EOF: u32 = 0xfffffffe;

/**
 * Hashes `count` names of INPUT into HASHES. Versions are the kernel's DX_HASH_*: 0 legacy, 1 half-MD4, 2 TEA with
 * signed characters, 3 to 5 the same with unsigned ones.
 */
export function dirHashes(count: u32, version: u32, seed0: u32, seed1: u32, seed2: u32, seed3: u32): void {
  const signed = version < 3;
  const kind = signed ? version : version - 3;
  let start: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const end = load<u32>(ENDS + (i << 2));
    let hash: u32;
    let minorHash: u32 = 0;
    if (kind === 0) {
      hash = legacy(INPUT + start, end - start, signed);
    } else {
      startState(seed0, seed1, seed2, seed3);
      if (kind === 1) halfMd4(INPUT + start, end - start, signed);
      else tea(INPUT + start, end - start, signed);
      const at = STATE + (kind === 1 ? 4 : 0);
      hash = load<u32>(at);
      minorHash = load<u32>(at, 4);
    }
    hash &= ~1;
    store<u32>(HASHES + (i << 3), hash === EOF ? EOF - 2 : hash);
    store<u32>(HASHES + (i << 3), minorHash, 4);
    start = end;
  }
}
