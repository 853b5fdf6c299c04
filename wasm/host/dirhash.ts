import { input, kernels } from './kernels.ts';
import { type DirHash, EXT4_NAME_LEN, type HashVersion } from './version.ts';

const namesMax = kernels.NAMES_MAX.value;
// WebAssembly's memory is little-endian on every host, typed arrays are not.
const ends = new DataView(kernels.memory.buffer, kernels.ENDS.value, 4 * namesMax);
const hashes = new DataView(kernels.memory.buffer, kernels.HASHES.value, 8 * namesMax);

/**
 * The hash of one name as the kernel's ext4fs_dirhash computes it. `seed` is `s_hash_seed` as four little-endian words;
 * all zeros stands for MD4's initial state. Throws RangeError for a name longer than 255 bytes.
 */
export function dirHash(name: Uint8Array, version: HashVersion, seed: Uint32Array): DirHash {
  const out = new Uint32Array(2);
  dirHashes(name, [name.length], version, seed, out);
  return { hash: out[0]!, minorHash: out[1]! };
}

/**
 * Hashes many names: name i is the bytes of `names` from `ends[i - 1]` (0 for the first) to `ends[i]`. Writes the hash
 * to `out[2 * i]` and the minor hash to `out[2 * i + 1]`. Throws RangeError when a name is longer than 255 bytes,
 * `nameEnds` decreases or leaves `names`, or `out` is too short.
 */
export function dirHashes(
  names: Uint8Array,
  nameEnds: ArrayLike<number>,
  version: HashVersion,
  seed: Uint32Array,
  out: Uint32Array,
): void {
  const [seed0, seed1, seed2, seed3] = seed;
  if (seed0 === undefined || seed1 === undefined || seed2 === undefined || seed3 === undefined) {
    throw new RangeError(`hash seed has ${seed.length} words, expected 4`);
  }
  if (out.length < 2 * nameEnds.length) {
    throw new RangeError(`room for ${out.length} words of hashes, expected ${2 * nameEnds.length}`);
  }
  for (let i = 0; i < nameEnds.length; ) {
    const count = stage(names, nameEnds, i);
    kernels.dirHashes(count, version, seed0, seed1, seed2, seed3);
    for (let j = 0; j < 2 * count; j++) out[2 * i + j] = hashes.getUint32(4 * j, true);
    i += count;
  }
}

/** Copies as many names as fit, from the one at `first`, to the kernels' memory; returns their number. */
function stage(names: Uint8Array, nameEnds: ArrayLike<number>, first: number): number {
  const base = first === 0 ? 0 : nameEnds[first - 1]!;
  const last = Math.min(nameEnds.length, first + namesMax);
  let start = base;
  let i = first;
  for (; i < last; i++) {
    const end = nameEnds[i]!;
    if (!(end >= start && end <= names.length)) {
      throw new RangeError(`name ${i} ends at ${end}, expected ${start} to ${names.length}`);
    }
    if (end - start > EXT4_NAME_LEN) {
      throw new RangeError(`name ${i} has ${end - start} bytes, expected at most ${EXT4_NAME_LEN}`);
    }
    if (end - base > input.length) break;
    ends.setUint32(4 * (i - first), end - base, true);
    start = end;
  }
  input.set(names.subarray(base, start));
  return i - first;
}
