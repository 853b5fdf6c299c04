import { ConnectionFailure } from '../errors.ts';
import type { Receiver, Wire } from '../transport/wire.ts';
import { ByteQueue } from './byte-queue.ts';

/** A client that sends more than is asked for has to wait from here on. */
const AHEAD_BYTES_MAX = 64 * 1024;

/** What a client sends during the handshake, to be asked for by length. */
export class Reader implements Receiver {
  readonly #wire: Wire;
  readonly #queue = new ByteQueue();
  #wanted = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  receive(chunk: Uint8Array): boolean {
    // The memory of the chunk is read into again.
    this.#queue.push(chunk.slice());
    if (this.#queue.length >= this.#wanted) this.#wake();
    return this.#queue.length < Math.max(this.#wanted, AHEAD_BYTES_MAX);
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Throws ConnectionFailure when the client closes before it has sent so much. */
  async take(length: number): Promise<Uint8Array> {
    await this.#until(length);
    return this.#queue.take(length);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      await this.#until(1);
      left -= this.#queue.drop(left);
    }
  }

  /** What was sent ahead. */
  rest(): Uint8Array {
    return this.#queue.take(this.#queue.length);
  }

  async #until(length: number): Promise<void> {
    this.#wanted = length;
    while (this.#queue.length < length) {
      if (this.#isEnded) throw new ConnectionFailure('truncated', 'the client closed the connection in the handshake');
      this.#wire.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
