import { ImageError } from '../../errors.ts';

/** An error about what an image holds. */
export const corrupt = (what: string): ImageError => new ImageError('image-corrupt', what);

/** An error about what is not read here. */
export const unsupported = (what: string): ImageError => new ImageError('image-unsupported', what);

/** Throws `image-corrupt` when a checksum is not the one that was computed. */
export function checkChecksum(found: number, computed: number, what: string): void {
  if (found === computed) return;
  throw corrupt(`${what}: checksum 0x${found.toString(16)}, computed 0x${computed.toString(16)}`);
}
