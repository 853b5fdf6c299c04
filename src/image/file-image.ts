import { closeSync, fstatSync, openSync } from 'node:fs';
import type { Range } from '../core/plan/ranges.ts';
import { FORMAT_BYTES, formatOf } from '../sources/decompress/format.ts';
import { openFileBlob } from '../sources/file-blob.ts';
import type { Blob } from '../sources/layer.ts';
import { preadSync } from '../sources/pread.ts';
import { WatchedBlob } from '../sources/watched-blob.ts';
import type { Image } from './image.ts';

/** Where the signatures of disks and filesystems are: a boot record's (MBR, GPT, FAT) and `s_magic` of ext2 to ext4. */
const SIGNATURES = [
  { offset: 510, value: 0xaa55 },
  { offset: 1024 + 0x38, value: 0xef53 },
] as const;

const HEAD_BYTES = 2048;

/** Whether a file is the image of a disk or a filesystem, told by its signature; false for what cannot be read. */
export function isImageFile(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    if (!fstatSync(fd).isFile()) return false;
    const head = Buffer.alloc(HEAD_BYTES);
    preadSync(fd, head, 0);
    // A filesystem leaves the first block alone; so does a tar of nothing, behind which nothing is.
    const begun = head.subarray(0, FORMAT_BYTES).some((byte) => byte !== 0);
    const isLayer = begun && formatOf(head) !== 'unknown';
    return !isLayer && SIGNATURES.some(({ offset, value }) => head.readUInt16LE(offset) === value);
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Opens the file of an image, to be read as it is. Throws ImageError `layer-unreadable` and `layer-not-found`. */
export function openImageFile(path: string): Image {
  const { blob, stats } = openFileBlob(path);
  return new FileImage(blob, Number(stats.size));
}

/** An image that was written before. */
class FileImage implements Image {
  readonly size: number;
  readonly #blob: Blob;

  constructor(blob: Blob, size: number) {
    this.#blob = blob;
    this.size = size;
  }

  read(offset: number, target: Uint8Array): void {
    this.#blob.readSync(offset, target);
  }

  async readAsync(offset: number, target: Uint8Array): Promise<void> {
    await this.#blob.read(offset, target);
  }

  /** All of it is data: Node.js has no way to ask where a file has holes. */
  *extents(offset: number, length: number): Generator<Range, void> {
    const end = Math.min(offset + length, this.size);
    if (end > offset) yield { offset, length: end - offset, hole: false };
  }

  label(offset: number): string {
    return `byte ${offset} of the file`;
  }

  verifyUnchanged(): void {
    this.#blob.verifyUnchanged();
  }

  watched(): Image {
    return new FileImage(new WatchedBlob(this.#blob), this.size);
  }

  close(): void {
    this.#blob.close();
  }
}
