import type { Readable, Writable } from 'node:stream';

/** Who looks at what a client sends. */
export interface Receiver {
  /** False: `chunk` stays in use and nothing more may come until `resume` is called. */
  receive(chunk: Uint8Array): boolean;
  /** The client has closed its side. */
  end(): void;
}

const NOBODY: Receiver = { receive: () => true, end: () => {} };

/** How long a client may take to close its side after ours is closed. */
const LINGER_MILLISECONDS = 1000;

/** The two directions of a connection: one socket, or two pipes. */
export class Wire {
  readonly readable: Readable;
  readonly writable: Writable;
  #receiver: Receiver = NOBODY;
  #isEnded = false;
  #isClosed = false;
  readonly #closed: () => void;

  /** `closed` is called once, when nothing can be sent any more. */
  constructor(readable: Readable, writable: Writable, closed: () => void) {
    this.readable = readable;
    this.writable = writable;
    this.#closed = closed;
    for (const stream of new Set([readable, writable])) stream.on('error', () => this.destroy());
    writable.on('close', () => this.destroy());
    readable.on('end', () => this.#ended());
    // A pipe that has ended closes by itself, and replies go on through the other one.
    readable.on('close', () => this.#isEnded || this.destroy());
  }

  /** For whoever reads the streams: hands a chunk on. */
  deliver(chunk: Uint8Array): boolean {
    return this.#receiver.receive(chunk);
  }

  /** Reads with 'data' events. */
  listen(): void {
    this.readable.on('data', (chunk: Uint8Array) => {
      if (!this.deliver(chunk)) this.readable.pause();
    });
  }

  /** From now on `receiver` gets what comes; nothing comes until `resume`. */
  setReceiver(receiver: Receiver): void {
    this.readable.pause();
    this.#receiver = receiver;
    if (this.#isEnded) receiver.end();
  }

  resume(): void {
    if (!this.#isClosed) this.readable.resume();
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#isClosed || this.writable.writableEnded) written();
    else this.writable.write(bytes, written);
  }

  get isDrained(): boolean {
    return this.writable.writableLength === 0;
  }

  /** Closes when all is sent; a client that did not say that it is done may take a while to close its side first. */
  finish(isClientDone: boolean): void {
    if (this.#isClosed) return;
    if (isClientDone) {
      this.writable.end(() => this.destroy());
      return;
    }
    this.setReceiver({ receive: () => true, end: () => this.destroy() });
    this.resume();
    this.writable.end();
    const timer = setTimeout(() => this.destroy(), LINGER_MILLISECONDS);
    this.writable.once('close', () => clearTimeout(timer));
  }

  /** Closes at once. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.readable.destroy();
    this.writable.destroy();
    this.#closed();
    this.#ended();
  }

  #ended(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#receiver.end();
  }
}
