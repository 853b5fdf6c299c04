import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { ImageError } from '../core/errors.ts';
import { FAILURE_PREFIX } from '../core/guest/init-script.ts';
import type { Guard } from '../process/guard.ts';

/** A machine that runs. */
export interface MachineOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** How many sockets it has from descriptor FIRST_PORT on. */
  readonly ports: number;
  /** What QEMU's own console is connected with: pipes, or nothing to read from. */
  readonly hasInput: boolean;
  readonly guard: Guard;
}

/** The descriptor of the first port in QEMU. */
export const FIRST_PORT = 3;

/** How much of what a guest and QEMU said last is kept for messages, in characters. */
const TAIL_MAX = 32 * 1024;
/** How long QEMU may take to end when it is told to, in milliseconds. */
const END_MILLISECONDS = 3000;

/** QEMU's process, with the sockets of its ports. It is to be ended. */
export class Machine {
  readonly #process: ChildProcess;
  #errors = '';
  #log = '';
  /** Its exit status; null after a signal. Rejects when it cannot be started. */
  readonly ended: Promise<number | null>;

  constructor({ program, args, ports, hasInput, guard }: MachineOptions) {
    const sockets = Array.from({ length: ports }, () => 'pipe' as const);
    const child = spawn(program, args, {
      stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', ...sockets],
      // Signals of a terminal are the guest's, and QEMU is ended by who started it.
      detached: true,
    });
    guard.holds(child);
    this.#process = child;
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    this.ended.catch(() => undefined);
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors = tail(this.#errors + chunk.toString())));
    // A port whose other side has gone.
    for (const stream of child.stdio) stream?.on('error', () => undefined);
  }

  /** What the guest says on its console. */
  get console(): Readable {
    return this.#process.stdout!;
  }

  /** What the guest's console is told. */
  get input(): Writable {
    return this.#process.stdin!;
  }

  port(index: number): Duplex {
    return this.#process.stdio[FIRST_PORT + index] as Duplex;
  }

  /** Keeps the end of what the guest's console says, for `failure`. */
  log(chunk: Uint8Array): void {
    this.#log = tail(this.#log + Buffer.from(chunk).toString('latin1').replaceAll('\r', ''));
  }

  /** Ends QEMU, which flushes what was written to its disks first, or is killed. */
  async end(): Promise<void> {
    this.#process.kill('SIGTERM');
    // What nobody reads any more would keep its end from being told.
    for (const stream of this.#process.stdio) stream?.destroy();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MILLISECONDS);
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  /** Waits for as long for it to end of itself. */
  async endOfItself(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_MILLISECONDS);
    });
    await Promise.race([this.ended.catch(() => undefined), patience]);
    clearTimeout(timer);
  }

  /** Why a guest did not do what it is for: what its first program, QEMU or the kernel said of it. */
  failure(status: number | null): ImageError {
    const lines = this.#log.split('\n').map((line) => line.replace(/^\[ *[\d.]+\] /, ''));
    const own = lines.findLast((line) => line.startsWith(FAILURE_PREFIX))?.slice(FAILURE_PREFIX.length);
    const panic = lines.findLast((line) => line.startsWith('Kernel panic'));
    const complaint = status === 0 ? undefined : this.#errors.trim().split('\n').at(-1);
    const what = [own, panic, complaint].find((text) => text !== undefined && text !== '');
    const said =
      what ??
      `it ended (${status ?? 'killed'}) before its command did; --kernel-log shows what it said, --memory gives it more`;
    return new ImageError('guest-failed', `the guest: ${printable(said)}`);
  }
}

const tail = (text: string): string => (text.length > 2 * TAIL_MAX ? text.slice(-TAIL_MAX) : text);
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500);
