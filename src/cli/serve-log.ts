/** How many different errors are remembered, so that each is written once. */
const REMEMBERED_MAX = 1000;

/** The log of a server: lines on stderr. */
export class ServeLog {
  readonly #json: boolean;
  readonly #quiet: boolean;
  readonly #seen = new Set<string>();

  constructor(format: 'text' | 'json', quiet: boolean) {
    this.#json = format === 'json';
    this.#quiet = quiet;
  }

  write(event: string, error: unknown): void {
    if (this.#quiet) return;
    const message = error instanceof Error ? error.message : String(error);
    if (this.#json) console.error(JSON.stringify({ time: new Date().toISOString(), event, message }));
    else console.error(`blockloom: ${event}: ${message}`);
  }

  /** Writes an error that may come again with every request once only. */
  once(event: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#seen.has(message) || this.#seen.size >= REMEMBERED_MAX) return;
    this.#seen.add(message);
    this.write(event, error);
  }
}
