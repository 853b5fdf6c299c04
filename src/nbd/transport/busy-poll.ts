/**
 * Keeps the event loop from sleeping for a moment after a client was heard, because a client that waits for each reply
 * before it asks again is back within that moment, and waking up takes longer than answering it. Bounded, and only while
 * there is one connection: with more, time is better spent on the others.
 */
export class BusyPoll {
  readonly #milliseconds: number;
  readonly #isAlone: () => boolean;
  #deadline = 0;
  #isPolling = false;

  constructor(microseconds: number, isAlone: () => boolean) {
    this.#milliseconds = microseconds / 1000;
    this.#isAlone = isAlone;
  }

  /** A client was heard. */
  heard(): void {
    if (this.#milliseconds === 0 || !this.#isAlone()) return;
    this.#deadline = performance.now() + this.#milliseconds;
    if (this.#isPolling) return;
    this.#isPolling = true;
    setImmediate(this.#poll);
  }

  readonly #poll = (): void => {
    this.#isPolling = performance.now() < this.#deadline && this.#isAlone();
    // The event loop does not sleep while this is to be called.
    if (this.#isPolling) setImmediate(this.#poll);
  };
}
