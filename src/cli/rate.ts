/** How long the past counts, in seconds: what was done so long ago weighs 1/e of what is done now. */
const MEMORY_SECONDS = 5;

/** How fast something is done lately, without jumps: the mean of what was done, weighted by how long ago. */
export class Rate {
  #amount = 0;
  #seconds = 0;
  #at: number;
  #done: number;

  /** `done` of it is done at `at`, in seconds. */
  constructor(at: number, done: number) {
    this.#at = at;
    this.#done = done;
  }

  /** In units a second; undefined before anything can be said. */
  get perSecond(): number | undefined {
    return this.#seconds > 0 && this.#amount > 0 ? this.#amount / this.#seconds : undefined;
  }

  update(at: number, done: number): void {
    const seconds = at - this.#at;
    if (seconds <= 0) return;
    const fading = Math.exp(-seconds / MEMORY_SECONDS);
    this.#amount = this.#amount * fading + Math.max(0, done - this.#done);
    this.#seconds = this.#seconds * fading + seconds;
    this.#at = at;
    this.#done = done;
  }
}
