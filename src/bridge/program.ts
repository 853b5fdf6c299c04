import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { ImageError } from '../core/errors.ts';
import { debianPackage } from '../core/launch/packages.ts';
import type { Guard } from '../process/guard.ts';

/** How long a program may take to end when it is told to, in milliseconds. */
const PATIENCE = 5000;

/** How a program ended: its status, or the signal that ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs. */
export class Program {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly ended: Promise<Ended>;
  hasEnded = false;
  #isStopping = false;

  /**
   * Starts a program. One of the `background` has a session of its own, so that what is typed at the terminal does not end it
   * before its turn, and is heard until it is stopped; any other has this process's terminal. A guard ends it when this process is killed. Throws `tool-missing`.
   */
  static async start(
    [name = '', ...args]: readonly string[],
    where: 'background' | 'foreground',
    guard?: Guard,
  ): Promise<Program> {
    const isBackground = where === 'background';
    const stdio: StdioOptions = isBackground ? ['ignore', 'ignore', 'pipe'] : 'inherit';
    const child = spawn(name, args, { detached: isBackground, stdio });
    const program = new Program(name, child);
    guard?.holds(child);
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) => reject(startFailure(name, error)));
    });
    return program;
  }

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#process = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.hasEnded = true;
        resolve({ code, signal });
      });
    });
    child.stderr?.on('data', (text: Buffer) => {
      if (!this.#isStopping) process.stderr.write(text);
    });
  }

  /** Ends it, with SIGKILL where it does not heed `signal`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#isStopping = true;
    if (this.hasEnded) return;
    this.#process.kill(signal);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
    await this.ended;
    clearTimeout(timer);
  }
}

/** How a program ended, in words. */
export function endText({ code, signal }: Ended): string {
  return signal === null ? `with status ${code}` : `by ${signal}`;
}

function startFailure(name: string, error: NodeJS.ErrnoException): ImageError {
  const debian = debianPackage(name);
  const what = error.code === 'ENOENT' ? 'is not installed' : `cannot be started (${error.code})`;
  const where = debian === undefined ? '' : `; Debian's package ${debian} has it`;
  return new ImageError('tool-missing', `${name} ${what}${where}`, {}, { cause: error });
}
