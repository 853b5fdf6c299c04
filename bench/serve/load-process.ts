import { once } from 'node:events';
import { Connection, type Progress } from './connection.ts';
import type { Load, Sample } from './load.ts';

/** Percentiles are of so many answers at most, the last ones. A power of two. */
const LATENCIES_MAX = 1 << 20;

/** Counts requests, and keeps latencies once the warm-up is over. */
class Meter implements Progress {
  readonly #load: Load;
  readonly #latencies = new Float32Array(LATENCIES_MAX);
  #latencyCount = 0;
  #sentCount = 0;
  #measuredFrom = 0;
  #measuredTo = Number.POSITIVE_INFINITY;
  #lastAnswer = 0;
  #processorAtStart = process.cpuUsage();
  #now = 0;

  constructor(load: Load) {
    this.#load = load;
  }

  begin(): void {
    const { seconds, warmUpSeconds = 0 } = this.#load;
    this.#measuredFrom = performance.now() + warmUpSeconds * 1000;
    if (seconds !== undefined) this.#measuredTo = this.#measuredFrom + seconds * 1000;
    this.#processorAtStart = process.cpuUsage();
  }

  end(): void {
    this.#measuredTo = 0;
  }

  readonly next = (): boolean => {
    if (this.#now >= this.#measuredTo || this.#sentCount === this.#load.requests) return false;
    this.#sentCount++;
    return true;
  };

  readonly answered = (now: number, milliseconds: number): void => {
    this.#now = now;
    if (now < this.#measuredFrom) return;
    this.#lastAnswer = now;
    this.#latencies[this.#latencyCount++ & (LATENCIES_MAX - 1)] = milliseconds;
  };

  sample(): Sample {
    const { warmUpSeconds = 0, requestBytes } = this.#load;
    const milliseconds = this.#lastAnswer - this.#measuredFrom;
    const { user, system } = process.cpuUsage(this.#processorAtStart);
    const sorted = this.#latencies.subarray(0, this.#latencyCount).toSorted();
    const percentile = (part: number): number =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN) * 1000;
    return {
      bytes: this.#sentCount * requestBytes,
      bytesPerSecond: (this.#latencyCount * requestBytes) / (milliseconds / 1000),
      p50: percentile(0.5),
      p99: percentile(0.99),
      p999: percentile(0.999),
      clientBusy: (user + system) / 1000 / (milliseconds + warmUpSeconds * 1000),
    };
  }
}

/** A client of its own: `load-process.js LOAD` prints the sample, both as JSON. */
const load = JSON.parse(process.argv[2] ?? '') as Load;
const meter = new Meter(load);
process.once('SIGTERM', () => meter.end());
const connections = Array.from(
  { length: load.connections },
  (_, i) => new Connection(load.socket, { ...load, seed: load.seed + i * 7919 }, meter),
);
await Promise.all(connections.map(async (connection) => once(connection, 'ready')));
const finished = connections.map(async (connection) => once(connection, 'finished'));
meter.begin();
for (const connection of connections) connection.start();
await Promise.all(finished);
process.stdout.write(JSON.stringify(meter.sample()));
