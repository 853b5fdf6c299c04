import { findRecord } from '../core/ext4/find-record.ts';
import type { ImageRecord } from '../core/ext4/record.ts';
import type { Image } from './image.ts';

/**
 * What an image says about itself: its format version, options and the digest of its tree. Undefined where there is no record.
 * Throws ImageError `record-invalid` for one that is damaged.
 */
export async function readImageRecord(image: Pick<Image, 'size' | 'readAsync'>): Promise<ImageRecord | undefined> {
  const search = findRecord(image.size);
  let step = search.next();
  while (step.done !== true) {
    const bytes = new Uint8Array(step.value.length);
    await image.readAsync(step.value.offset, bytes);
    step = search.next(bytes);
  }
  return step.value;
}
