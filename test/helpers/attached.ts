import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { startBlockloom } from './cli.ts';

/** `blockloom attach` that runs. */
export interface Attached {
  readonly process: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What it and its VMM said so far. */
  stdout(): string;
  stderr(): string;
  /** The process of a program that it started. Throws where there is not one. */
  processOf(program: string): number;
  /** Expects that it is gone without a trace: processes, mounts, sockets, files. */
  expectNothingLeft(): void;
}

/** Starts `blockloom attach ARGS` in a directory, with temporary files below it. What is left when the test ends is ended. */
export function startAttach(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Attached {
  const temporary = join(cwd, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const child = startBlockloom(['attach', ...args], { cwd, env: { TMPDIR: temporary, ...env } });
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (said.stdout += chunk.toString('latin1')));
  child.stderr?.on('data', (chunk: Buffer) => (said.stderr += chunk.toString('latin1')));
  const folders = (): string[] => readdirSync(temporary);
  const processes = (): number[] => processesWith(temporary).filter((pid) => pid !== child.pid);
  const mounts = (): string[] =>
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(cwd));
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    for (const mount of mounts()) spawnSync('umount', ['-l', mount.split(' ')[1] ?? '']);
  });
  return {
    process: child,
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    }),
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    processOf: (program) => {
      const [pid, ...more] = processes().filter((number) => nameOf(number) === program);
      if (pid === undefined || more.length > 0) throw new Error(`not one ${program}`);
      return pid;
    },
    expectNothingLeft: () => {
      expect({ folders: folders(), processes: processes(), mounts: mounts() }).toEqual({
        folders: [],
        processes: [],
        mounts: [],
      });
    },
  };
}

function processesWith(text: string): number[] {
  const numbers = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return numbers.filter((number) => commandLine(number).includes(text));
}

/** The name of a process's program. */
function nameOf(number: number): string {
  return basename(commandLine(number).split('\0')[0] ?? '');
}

function commandLine(number: number): string {
  try {
    return readFileSync(`/proc/${number}/cmdline`, 'latin1');
  } catch {
    // It has ended.
    return '';
  }
}
