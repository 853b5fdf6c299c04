import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';

/** A server that answers. */
export interface Server {
  readonly socket: string;
  readonly pid: number;
  /** From the start of its process to its first 4 KiB at the client. */
  readonly firstBlockMilliseconds: number;
  stop(): Promise<void>;
}

/** A server that has not answered within so many milliseconds never will; nor end when told to. */
const START_LIMIT = 60_000;
const STOP_LIMIT = 10_000;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a server, on a socket of that name in `folder`, and waits for its first block. */
export async function startServer(
  folder: string,
  name: string,
  command: (socket: string) => readonly string[],
): Promise<Server> {
  const socket = join(folder, `${name}.sock`);
  rmSync(socket, { force: true });
  const [program = '', ...args] = command(socket);
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
  running.add(child);
  let isStopping = false;
  const closed = once(child, 'close').then(([status, signal]) => {
    running.delete(child);
    if (!isStopping) console.error(`${name} ended with ${String(status ?? signal)}: ${complaint}`);
  });
  const answered = await firstBlock(socket, () => {
    if (running.has(child) && performance.now() - start < START_LIMIT) return;
    child.kill('SIGKILL');
    throw new Error(`${name} does not answer`);
  });
  const stop = async (): Promise<void> => {
    isStopping = true;
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    child.kill();
    await closed;
    clearTimeout(timer);
    rmSync(socket, { force: true });
  };
  return { socket, pid: child.pid ?? 0, firstBlockMilliseconds: answered - start, stop };
}

/** Tries until the first 4 KiB have come, and tells when; `check` may throw instead. */
async function firstBlock(socket: string, check: () => void): Promise<number> {
  for (;;) {
    try {
      return await readOnce(socket);
    } catch {
      check();
      await sleep(1);
    }
  }
}

/** Connects, reads the first 4 KiB and closes; the time of the answer. Rejects when the server refuses. */
export async function readOnce(socket: string): Promise<number> {
  let left = 1;
  let answeredAt = 0;
  const connection = new Connection(
    socket,
    { command: 'read', order: 'sequential', requestBytes: 4096, depth: 1, seed: 1 },
    { next: () => left-- > 0, answered: (now) => (answeredAt = now) },
  );
  await once(connection, 'ready');
  connection.start();
  await once(connection, 'finished');
  return answeredAt;
}
