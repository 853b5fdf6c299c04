/** How often the parent is looked for, in milliseconds. */
const PARENT_INTERVAL = 250;

/** Settles when a server is to end: by a signal, with its parent, or when nobody needs it. */
export class Ending {
  readonly promise: Promise<void>;
  readonly #idleMilliseconds: number | undefined;
  #end: () => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;
  #parent: NodeJS.Timeout | undefined;

  /** `exitWhenIdle` is in seconds, or true for at once. */
  constructor(
    { exitWhenIdle, exitWithParent }: { exitWhenIdle?: true | number; exitWithParent?: boolean },
    signal: AbortSignal,
  ) {
    this.promise = new Promise((resolve) => {
      this.#end = resolve;
    });
    signal.addEventListener('abort', () => this.#end());
    this.#idleMilliseconds = exitWhenIdle === undefined ? undefined : exitWhenIdle === true ? 0 : exitWhenIdle * 1000;
    if (exitWithParent !== true) return;
    const parent = process.ppid;
    this.#parent = setInterval(() => {
      if (process.ppid !== parent) this.#end();
    }, PARENT_INTERVAL);
  }

  /** Tells how many clients are connected after that has changed. */
  connections(count: number): void {
    clearTimeout(this.#idle);
    if (count === 0 && this.#idleMilliseconds !== undefined) this.#idle = setTimeout(this.#end, this.#idleMilliseconds);
  }

  stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#parent);
  }
}
