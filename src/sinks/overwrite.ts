import type { FileHandle } from 'node:fs/promises';
import type { Image } from '../image/image.ts';
import { pread } from '../sources/pread.ts';
import { imageHash } from './digest.ts';
import { HOLE_UNIT, isZeroBlock, writeAll } from './blocks.ts';
import { pump, type PumpOptions } from './pump.ts';
import { WriteBack } from './write-back.ts';

/** An image that was written. */
export interface WrittenImage {
  /** In hexadecimal. */
  readonly sha256: string;
  /** Where blocks are shared: how many bytes of blocks that are not zeros are, and how many bytes were written. */
  readonly reused?: { readonly kept: number; readonly written: number };
}

const BUFFER_SIZE = 256 * 1024;

/** Makes a file that holds something hold an image, and writes only the blocks that differ. Throws as reading the image does. */
export async function overwrite(file: FileHandle, image: Image, options: PumpOptions = {}): Promise<WrittenImage> {
  const { size } = await file.stat();
  await file.truncate(image.size);
  const hash = imageHash('sha256');
  const writer = new BlockWriter(file);
  let last: Promise<void> = Promise.resolve();
  const inOrder = (work: () => Promise<void>): Promise<void> => (last = last.then(work));
  await pump(
    image,
    'writing',
    {
      data: (offset, bytes) => {
        const done = inOrder(async () => writer.put(offset, bytes));
        hash.update(bytes);
        return done;
      },
      hole: (offset, length) => {
        // What was behind the file's end is a hole of it now.
        const done = inOrder(async () => writer.putZeros(offset, Math.min(offset + length, size)));
        hash.zeros(length);
        return done;
      },
    },
    options,
  );
  image.verifyUnchanged();
  await writer.finish();
  return { sha256: hash.digest(), reused: { kept: writer.kept, written: writer.written } };
}

/** Writes blocks that are not in the file already. */
class BlockWriter {
  kept = 0;
  written = 0;
  readonly #file: FileHandle;
  readonly #writeBack: WriteBack;
  readonly #found = new Uint8Array(BUFFER_SIZE);
  readonly #zeros = new Uint8Array(BUFFER_SIZE);

  constructor(file: FileHandle) {
    this.#file = file;
    this.#writeBack = new WriteBack(file);
  }

  async putZeros(offset: number, end: number): Promise<void> {
    for (let at = offset; at < end; at += BUFFER_SIZE) {
      await this.put(at, this.#zeros.subarray(0, Math.min(BUFFER_SIZE, end - at)));
    }
  }

  /** `bytes` are at most BUFFER_SIZE, and begin with a block. */
  async put(offset: number, bytes: Uint8Array): Promise<void> {
    const found = this.#found.subarray(0, bytes.length);
    await pread(this.#file.fd, found, offset);
    for (let at = 0; at < bytes.length; ) {
      const start = at;
      while (at < bytes.length && isSameBlock(bytes, found, at)) at += HOLE_UNIT;
      this.#keep(bytes, start, at);
      const end = at;
      while (at < bytes.length && !isSameBlock(bytes, found, at)) at += HOLE_UNIT;
      if (at > end) await this.#write(offset + end, bytes.subarray(end, at));
    }
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += HOLE_UNIT) {
      if (!isZeroBlock(bytes, at)) this.kept += Math.min(HOLE_UNIT, bytes.length - at);
    }
  }

  async #write(offset: number, bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file, offset, bytes);
    this.written += bytes.length;
    this.#writeBack.wrote(bytes.length);
  }

  async finish(): Promise<void> {
    await this.#writeBack.finish();
  }
}

function isSameBlock(a: Uint8Array, b: Uint8Array, at: number): boolean {
  return Buffer.compare(a.subarray(at, at + HOLE_UNIT), b.subarray(at, at + HOLE_UNIT)) === 0;
}
