/** The four words half-MD4 and TEA carry from block to block. */
export const STATE: usize = memory.data(16, 16);

/** Starts from the seed of the filesystem, or from MD4's constants when it is all zeros. */
export function startState(seed0: u32, seed1: u32, seed2: u32, seed3: u32): void {
  const seeded = (seed0 | seed1 | seed2 | seed3) !== 0;
  store<u32>(STATE, seeded ? seed0 : 0x67452301);
  store<u32>(STATE, seeded ? seed1 : 0xefcdab89, 4);
  store<u32>(STATE, seeded ? seed2 : 0x98badcfe, 8);
  store<u32>(STATE, seeded ? seed3 : 0x10325476, 12);
}

export function addToState(index: u32, value: u32): void {
  const at = STATE + (index << 2);
  store<u32>(at, load<u32>(at) + value);
}
