/** Where the host puts what the kernels read: names or bytes to checksum. */
export const INPUT: usize = memory.data(65536, 16);
export const INPUT_LENGTH: u32 = 65536;

/** Ends of names in INPUT, u32 each; the first name starts at 0. */
export const ENDS: usize = memory.data(4 * 1024, 16);
/** Hash and minor hash of each name, u32 each. */
export const HASHES: usize = memory.data(8 * 1024, 16);
export const NAMES_MAX: u32 = 1024;
