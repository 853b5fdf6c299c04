import type { Image } from './image/image.ts';
import type { DeltaBase } from './overlay/delta-reader.ts';
import { hashImage } from './sinks/digest.ts';
import type { PumpOptions } from './sinks/pump.ts';

/**
 * What tells the base of a delta: its fs-verity digest. Nothing less would do: sizes, names and times are the same in images
 * whose files differ, and a plain tar or a directory has no digest until it is read. It is the same whatever the layers came
 * as, and zeros cost nothing.
 */
export async function deltaBase(image: Image, options: PumpOptions): Promise<DeltaBase> {
  const { signal, onProgress } = options;
  const digest = await hashImage(image, 'fsverity', {
    signal,
    onProgress: onProgress && ((progress) => onProgress({ ...progress, phase: 'reading the base' })),
  });
  return { size: image.size, digest: Buffer.from(digest, 'hex') };
}
