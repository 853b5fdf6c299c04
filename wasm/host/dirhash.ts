import { input, kernels } from './kernels.ts';
import { type DirHash, EXT4_NAME_LEN, HashVersion } from './version.ts';

const namesMax = kernels.NAMES_MAX.value;
// WebAssembly's memory is little-endian on every host, typed arrays are not.
const ends = new DataView(kernels.memory.buffer, kernels.ENDS.value, 4 * namesMax);
const hashes = new DataView(kernels.memory.buffer, kernels.HASHES.value, 8 * namesMax);

/**
 * The hash of one name as the kernel's ext4fs_dirhash computes it. `seed` is `s_hash_seed` as four little-endian words;
 * all zeros stands for MD4's initial state. Throws RangeError for a name longer than 255 bytes, another version or a
 * seed that is not four words.
 */
export function dirHash(name: Uint8Array, version: HashVersion, seed: Uint32Array): DirHash {
  if (name.length > EXT4_NAME_LEN) throw nameTooLong(0, name.length);
  input.set(name);
  ends.setUint32(0, name.length, true);
  hashStaged(1, version, seed);
  return { hash: hashes.getUint32(0, true), minorHash: hashes.getUint32(4, true) };
}

/**
 * Hashes many names: name i is the bytes of `names` from `nameEnds[i - 1]` (0 for the first) to `nameEnds[i]`. Writes
 * its hash to `out[2 * i]`, its minor hash to `out[2 * i + 1]`. Throws RangeError when a name is longer than 255 bytes,
 * `nameEnds` decreases or leaves `names`, `out` is too short, and as dirHash does.
 */
export function dirHashes(
  names: Uint8Array,
  nameEnds: Uint32Array,
  version: HashVersion,
  seed: Uint32Array,
  out: Uint32Array,
): void {
  if (out.length < 2 * nameEnds.length) {
    throw new RangeError(`${out.length} words for hashes, expected ${2 * nameEnds.length}`);
  }
  for (let first = 0; first < nameEnds.length; ) {
    const count = stage(names, nameEnds, first);
    hashStaged(count, version, seed);
    for (let i = 0; i < 2 * count; i++) out[2 * first + i] = hashes.getUint32(4 * i, true);
    first += count;
  }
}

function hashStaged(count: number, version: HashVersion, seed: Uint32Array): void {
  if (!(version >= HashVersion.legacy && version <= HashVersion.tea_unsigned)) {
    throw new RangeError(`hash version ${version}, expected 0 to 5`);
  }
  if (seed.length !== 4) throw new RangeError(`hash seed of ${seed.length} words, expected 4`);
  const [word0, word1, word2, word3] = [seed[0], seed[1], seed[2], seed[3]] as [number, number, number, number];
  kernels.dirHashes(count, version, word0, word1, word2, word3);
}

/** Copies as many names as fit, from the one at `first`, to the kernels' memory; returns their number. */
function stage(names: Uint8Array, nameEnds: Uint32Array, first: number): number {
  const base = first === 0 ? 0 : (nameEnds[first - 1] as number);
  const last = Math.min(nameEnds.length, first + namesMax);
  let start = base;
  let i = first;
  for (; i < last; i++) {
    const end = nameEnds[i] as number;
    if (end < start || end > names.length) {
      throw new RangeError(`name ${i} ends at ${end}, expected ${start} to ${names.length}`);
    }
    if (end - start > EXT4_NAME_LEN) throw nameTooLong(i, end - start);
    if (end - base > input.length) break;
    ends.setUint32(4 * (i - first), end - base, true);
    start = end;
  }
  input.set(names.subarray(base, start));
  return i - first;
}

function nameTooLong(index: number, length: number): RangeError {
  return new RangeError(`name ${index} of ${length} bytes, expected at most ${EXT4_NAME_LEN}`);
}
