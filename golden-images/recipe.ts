import type { DiskOptions } from '../src/image/disk-options.ts';
import type { ImageOptions } from '../src/image/options.ts';
import type { TarEntry } from '../test/helpers/tar-writer.ts';

/** What a golden image is made of: entries of layers, bottom first, and options. */
export interface Recipe {
  readonly layers: readonly (readonly TarEntry[])[];
  readonly options?: ImageOptions;
  readonly disk?: DiskOptions;
}

/** `length` bytes that depend on `seed` alone. */
export function bytesOfSeed(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed ^ 0x9e3779b9) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
