import { read } from 'node:fs';
import { Readable } from 'node:stream';
import { RandomAccessReader } from 'yauzl';
import { pread } from '../pread.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * Gives yauzl the bytes of a file, which stays open. Its own reader throws where nobody can catch it when an archive names a place that no
 * file can have.
 */
export class ZipFileReader extends RandomAccessReader {
  readonly #fd: number;
  readonly #size: number;

  constructor(fd: number, size: number) {
    super();
    this.#fd = fd;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, count?: number) => void,
  ): void {
    if (position + length <= this.#size) read(this.#fd, buffer, offset, length, position, callback);
    else setImmediate(callback, new Error('it names a place outside of the file'));
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(piecesBetween(this.#fd, start, end), { objectMode: false });
  }
}

/** Unlike a ReadStream's, their end never closes the descriptor. */
async function* piecesBetween(fd: number, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
    const count = await pread(fd, piece, at);
    if (count === 0) return;
    yield piece.subarray(0, count);
    at += count;
  }
}
