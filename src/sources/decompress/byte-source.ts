/** Takes counted runs of bytes from chunks of any size. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, fewer only where the input ends. */
  async take(length: number): Promise<Uint8Array> {
    if (length <= this.#chunk.length) return this.#cut(length);
    const taken = new Uint8Array(length);
    let filled = 0;
    while (filled < length && (await this.#refill())) {
      const part = this.#cut(Math.min(length - filled, this.#chunk.length));
      taken.set(part, filled);
      filled += part.length;
    }
    return taken.subarray(0, filled);
  }

  /** Drops the next `length` bytes; returns how many there were. */
  async skip(length: number): Promise<number> {
    let skipped = 0;
    while (skipped < length && (await this.#refill())) {
      skipped += this.#cut(Math.min(length - skipped, this.#chunk.length)).length;
    }
    return skipped;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #cut(length: number): Uint8Array {
    const part = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return part;
  }

  /** Whether a byte is left. */
  async #refill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
    }
    return true;
  }
}
