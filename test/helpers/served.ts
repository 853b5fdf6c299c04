import type { ChildProcess } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { startBlockloom } from './cli.ts';

/** A process that serves until the test ends. */
export interface Served {
  readonly process: ChildProcess;
  readonly uri: string;
  /** The lines of its log so far. */
  readonly log: readonly string[];
  /** Its exit status; null after a signal. */
  readonly ended: Promise<number | null>;
}

/** Starts `blockloom serve ARGS` in a directory and waits for its URI. Throws what it says instead. */
export async function startServe(args: readonly string[], cwd: string): Promise<Served> {
  const child = startBlockloom(['serve', ...args], { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => log.push(...chunk.toString().trim().split('\n')));
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const uri = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('close', (status) => reject(new Error(`the server ended with ${status}: ${log.join('\n')}`)));
  });
  return { process: child, uri, log, ended };
}
