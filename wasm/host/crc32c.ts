import { input, kernels } from './kernels.ts';

/**
 * Continues a CRC-32C (Castagnoli) over `bytes` as the kernel's ext4_chksum does: the value is neither inverted before
 * nor after, so the result of one piece is the seed of the next. Start from 0xffffffff or from `s_checksum_seed`.
 */
export function crc32c(seed: number, bytes: Uint8Array): number {
  if (bytes.length <= input.length) {
    input.set(bytes);
    return kernels.crc32c(seed, bytes.length) >>> 0;
  }
  let crc = seed;
  for (let at = 0; at < bytes.length; at += input.length) crc = crc32c(crc, bytes.subarray(at, at + input.length));
  return crc;
}
