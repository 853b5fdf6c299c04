import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, unlinkSync, write } from 'node:fs';
import { join } from 'node:path';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { errnoOf } from '../failure.ts';

/** Zeros that fill a page of the file stay a hole in it. In bytes. */
const PAGE_BYTES = 4096;
const ZEROS = new Uint8Array(PAGE_BYTES);

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;

/** A new file with a random name that takes a stream: hashed whole, written where it is not zero. */
export class StagingFile {
  readonly path: string;
  readonly fd: number;
  readonly #context: ImageErrorContext;
  readonly #bytesMax: number;
  readonly #hash = createHash('sha256');
  #length = 0;
  #isLinked = true;

  /** Throws the system's error when `directory` cannot hold it. More than `bytesMax` bytes are refused. */
  constructor(directory: string, bytesMax: number, context: ImageErrorContext) {
    this.path = join(directory, randomBytes(16).toString('hex'));
    this.fd = openSync(this.path, OPEN_FLAGS, 0o600);
    this.#bytesMax = bytesMax;
    this.#context = context;
  }

  /** Appends `chunk`, which must stay as it is until this ends. */
  async append(chunk: Uint8Array): Promise<void> {
    const start = this.#length;
    this.#length += chunk.length;
    if (this.#length > this.#bytesMax) {
      const what = `it is more than ${this.#bytesMax} bytes when decompressed, which is the limit`;
      throw new ImageError('limit-exceeded', what, this.#context);
    }
    const writing = this.#writeRuns(chunk, start);
    this.#hash.update(chunk);
    await writing;
  }

  /** Ends the stream; returns the digest of all that was appended. */
  finish(): { diffId: string; size: number } {
    try {
      ftruncateSync(this.fd, this.#length);
    } catch (error) {
      throw this.#failure(error);
    }
    return { diffId: `sha256:${this.#hash.digest('hex')}`, size: this.#length };
  }

  /** Forces it to the disk, so that a name given to it afterwards never leads to less than all of it. */
  sync(): void {
    try {
      fsyncSync(this.fd);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Removes the name; the file lives on until it is closed. */
  unlink(): void {
    if (!this.#isLinked) return;
    this.#isLinked = false;
    try {
      unlinkSync(this.path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  /** Says that the file has another name now. */
  renamed(): void {
    this.#isLinked = false;
  }

  /** Removes the file whole. */
  discard(): void {
    this.unlink();
    closeSync(this.fd);
  }

  async #writeRuns(chunk: Uint8Array, start: number): Promise<void> {
    let from = 0;
    while (from < chunk.length) {
      const end = pageEnd(chunk, start, from);
      if (isZero(chunk, from, end)) {
        from = end;
        continue;
      }
      let until = end;
      while (until < chunk.length && !isZero(chunk, until, pageEnd(chunk, start, until)))
        until = pageEnd(chunk, start, until);
      await this.#writeAll(chunk.subarray(from, until), start + from);
      from = until;
    }
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      try {
        written += await pwrite(this.fd, bytes.subarray(written), position + written);
      } catch (error) {
        throw this.#failure(error);
      }
    }
  }

  #failure(error: unknown): ImageError {
    const errno = errnoOf(error);
    const isFull = errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG';
    const reason = isFull ? 'there is no space for it' : `it cannot be written (${errno})`;
    return new ImageError('output-failed', `${reason} when decompressed, in ${this.path}`, this.#context, {
      cause: error,
    });
  }
}

/** Where the page of the file that holds byte `at` of the chunk ends in the chunk. */
function pageEnd(chunk: Uint8Array, start: number, at: number): number {
  return Math.min(at + PAGE_BYTES - ((start + at) % PAGE_BYTES), chunk.length);
}

function isZero(chunk: Uint8Array, from: number, end: number): boolean {
  if (chunk[from] !== 0 || chunk[end - 1] !== 0) return false;
  return Buffer.compare(chunk.subarray(from, end), ZEROS.subarray(0, end - from)) === 0;
}

function pwrite(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
