import type { FileHandle } from 'node:fs/promises';

/** How much is written before the disk is told to take it, in bytes. */
export const WRITE_BACK_UNIT = 32 * 1024 * 1024;

/** What of a file handle it takes to send a file to its disk. */
export type Syncable = Pick<FileHandle, 'datasync' | 'sync'>;

/** Sends a growing file to its disk while it grows, one piece at a time, so that little is left to wait for at its end. */
export class WriteBack {
  readonly #file: Syncable;
  #waiting = 0;
  #running = false;
  #last: Promise<void> = Promise.resolve();

  constructor(file: Syncable) {
    this.#file = file;
  }

  /** Says that `length` more bytes were written. */
  wrote(length: number): void {
    this.#waiting += length;
    if (this.#running || this.#waiting < WRITE_BACK_UNIT) return;
    this.#running = true;
    this.#waiting = 0;
    this.#last = this.#last.then(async () => this.#file.datasync());
    // A failure stays in the promise: the kernel tells of it once, and finish() must not miss it.
    this.#last.then(
      () => (this.#running = false),
      () => undefined,
    );
  }

  /** Settles when everything is on the disk. Throws what any piece failed with. */
  async finish(): Promise<void> {
    await this.#last;
    await this.#file.sync();
  }
}
