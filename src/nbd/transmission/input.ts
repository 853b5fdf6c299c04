import { HeaderBytes } from '../protocol.ts';

/**
 * What was received and is not used up: one chunk, which stays with its owner, and the head of a request that a chunk
 * before it ended with.
 */
export class Input {
  chunk: Uint8Array = new Uint8Array(0);
  at = 0;
  #view = new DataView(this.chunk.buffer);
  readonly #head = new Uint8Array(HeaderBytes.extendedRequest);
  readonly #headView = new DataView(this.#head.buffer);
  #headLength = 0;

  /** Where the header that `hasHeader` found lies. */
  headerView = this.#view;
  headerAt = 0;

  set(chunk: Uint8Array): void {
    const isSameMemory = chunk.buffer === this.#view.buffer && chunk.byteOffset === this.#view.byteOffset;
    if (!isSameMemory || this.#view.byteLength < chunk.length) {
      this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    }
    this.chunk = chunk;
    this.at = 0;
  }

  get available(): number {
    return this.chunk.length - this.at;
  }

  /** Moves past the next `length` bytes and tells where they lie, for `headerView.getUint32(headerAt)`; false: too few. */
  takeHeader(length: number): boolean {
    if (this.#headLength === 0 && this.available >= length) {
      this.headerView = this.#view;
      this.headerAt = this.at;
      this.at += length;
      return true;
    }
    const wanted = Math.min(length - this.#headLength, this.available);
    this.#head.set(this.chunk.subarray(this.at, this.at + wanted), this.#headLength);
    this.#headLength += wanted;
    this.at += wanted;
    if (this.#headLength < length) return false;
    this.#headLength = 0;
    this.headerView = this.#headView;
    this.headerAt = 0;
    return true;
  }

  /** The next `length` bytes of the chunk, where they lie. */
  take(length: number): Uint8Array {
    this.at += length;
    return this.chunk.subarray(this.at - length, this.at);
  }

  drop(): void {
    this.at = this.chunk.length;
  }
}
