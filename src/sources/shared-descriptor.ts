import { closeSync } from 'node:fs';

/** A file descriptor that is closed when it was released and its last read has ended: a closed number may be reused. */
export class SharedDescriptor {
  readonly fd: number;
  #reads = 0;
  #released = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Runs `read` with the descriptor kept open until it ends. */
  async during<T>(read: (fd: number) => Promise<T>): Promise<T> {
    this.#reads++;
    try {
      return await read(this.fd);
    } finally {
      this.#reads--;
      this.#closeWhenIdle();
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#released && this.#reads === 0) closeSync(this.fd);
  }
}
