import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Requests } from './connection.ts';

/** Work for a client in a process of its own. It ends after `seconds`, after `requests`, or when it is told to. */
export interface Load extends Requests {
  readonly socket: string;
  readonly connections: number;
  readonly seconds?: number;
  /** Of all connections together. */
  readonly requests?: number;
  /** At the start, not counted. */
  readonly warmUpSeconds?: number;
}

/** What a client has seen of a server. */
export interface Sample {
  /** All bytes that were asked for. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
  /** Latencies, in microseconds; of a copying program they are not known. */
  readonly p50?: number;
  readonly p99?: number;
  readonly p999?: number;
  /** The part of the time that a client of one thread was working: near 1, it measures itself. */
  readonly clientBusy?: number;
  /** What another client got meanwhile. */
  readonly besideBytesPerSecond?: number;
}

/** A client that takes so many milliseconds is stuck. */
const LIMIT = 600_000;

const program = fileURLToPath(new URL('load-process.js', import.meta.url));

/** Starts a client; `stop` ends one that has no end, and `sample` settles when it has ended. */
export function startLoad(load: Load): { readonly sample: Promise<Sample>; readonly stop: () => void } {
  const child = spawn(execPath, [program, JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT,
    killSignal: 'SIGKILL',
  });
  const result = async (): Promise<Sample> => {
    const [printed, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (status !== 0) throw new Error(`a client of ${load.socket} failed`);
    return JSON.parse(printed) as Sample;
  };
  return { sample: result(), stop: () => child.kill() };
}

/** Runs a client to its end. */
export async function runLoad(load: Load): Promise<Sample> {
  return startLoad(load).sample;
}
