import { giveFrame, takeFrame } from './frames.ts';
import type { Port } from './port.ts';
import { type Frame, SMALL_REPLY_BYTES_MAX } from './replies.ts';

/**
 * The most data of one reply, or of one piece of it. A unix socket takes about 208 KiB before it blocks; writes much longer
 * than 128 KiB lose a third of sequential throughput.
 */
export const PIECE_BYTES = 128 * 1024;

const OUTPUT_BYTES = PIECE_BYTES + 2 * SMALL_REPLY_BYTES_MAX;

/** Where the replies of many requests are gathered, to leave in one write. */
export class Output {
  readonly #port: Port;
  readonly #drained: () => void;
  #frame: Frame | undefined;
  /** How much of the frame is replies that wait to be written. */
  used = 0;
  /** The client takes nothing more for now; the frame is not ours until it does. */
  isBlocked = false;

  /** `drained` is called when `isBlocked` is over. */
  constructor(port: Port, drained: () => void) {
    this.#port = port;
    this.#drained = drained;
  }

  get frame(): Frame {
    this.#frame ??= takeFrame(OUTPUT_BYTES);
    return this.#frame;
  }

  /** Makes room for `length` bytes, by writing if it must; false when the client has to read first. */
  hasRoom(length: number): boolean {
    if (this.isBlocked) return false;
    if (this.used + length <= OUTPUT_BYTES) return true;
    this.flush();
    return !this.isBlocked;
  }

  flush(): void {
    if (this.used === 0 || this.isBlocked || this.#frame === undefined) return;
    this.#port.write(this.#frame.bytes.subarray(0, this.used), this.#written);
    if (this.#port.isDrained) this.used = 0;
    else this.isBlocked = true;
  }

  /** Gives the frame away, what is in it written: a backend holds on to the rest. */
  lend(): void {
    this.flush();
    this.#frame = undefined;
    this.used = 0;
  }

  /** Gives the memory back while there is nothing to say. */
  release(): void {
    if (this.#frame === undefined || this.used > 0 || this.isBlocked) return;
    giveFrame(this.#frame);
    this.#frame = undefined;
  }

  readonly #written = (): void => {
    if (!this.isBlocked || !this.#port.isDrained) return;
    this.isBlocked = false;
    this.used = 0;
    this.#drained();
  };
}
