import { readRecord } from '../core/ext4/read-record.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import type { ImageRecord } from '../core/ext4/record.ts';
import type { Image } from './image.ts';

/**
 * What an image says about itself: its format version, options, the digest of its tree, its layers where they are embedded. Undefined
 * for an ext4 filesystem without a record. Throws ImageError `record-invalid` for one that is damaged, `image-corrupt` or
 * `image-unsupported` for what is no sound filesystem.
 */
export function readImageRecord(image: Pick<Image, 'size' | 'read'>): ImageRecord | undefined {
  return readRecord(new Filesystem(image));
}
