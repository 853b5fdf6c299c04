/** How many ranges `Counters.latencies` tells apart. */
export const LATENCY_RANGES = 26;

/** What a server has done since it was made. The object is live: its numbers go on. */
export class Counters {
  /** Connections that were accepted, with those that have ended. */
  connections = 0;
  /** Requests that were answered, by the number of their command. */
  readonly requests = new Float64Array(8);
  /** Requests that were answered with an error. */
  errors = 0;
  /** Bytes of the exports that READ has answered, holes included. */
  bytesRead = 0;
  /** Bytes that WRITE has written. */
  bytesWritten = 0;
  /**
   * Requests by the time from their arrival to their answer: in place 0 those of at most a microsecond, in place `i` those of
   * at most 2^i, in the last one the rest.
   */
  readonly latencies = new Float64Array(LATENCY_RANGES);
  /** All those times together, in milliseconds. */
  latencySum = 0;

  /** Adds what others have done. */
  add({ connections, requests, errors, bytesRead, bytesWritten, latencies, latencySum }: Counters): void {
    this.connections += connections;
    requests.forEach((count, command) => (this.requests[command]! += count));
    this.errors += errors;
    this.bytesRead += bytesRead;
    this.bytesWritten += bytesWritten;
    latencies.forEach((count, range) => (this.latencies[range]! += count));
    this.latencySum += latencySum;
  }

  /** A request was answered; `bytes` were read or written for it. */
  count(command: number, bytes: number, isError: boolean, milliseconds: number): void {
    const known = command < this.requests.length ? command : 0;
    if (known === command) this.requests[known]! += 1;
    if (isError) this.errors++;
    else if (command === 0) this.bytesRead += bytes;
    else if (command === 1) this.bytesWritten += bytes;
    const range = 32 - Math.clz32(Math.ceil(milliseconds * 1000) - 1);
    this.latencies[Math.min(milliseconds > 0 ? range : 0, LATENCY_RANGES - 1)]! += 1;
    this.latencySum += milliseconds;
  }
}
