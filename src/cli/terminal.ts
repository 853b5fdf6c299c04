import type { TerminalSize } from '../guest/run-command.ts';

const DEFAULT_SIZE: TerminalSize = { rows: 24, columns: 80 };

/** Whether standard input and output are a terminal. */
export const isTerminal = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

/** The terminal that this process has, if it has one; to be restored. */
export class Terminal {
  #resized: (() => void) | undefined;

  get size(): TerminalSize {
    const { rows, columns } = process.stdout;
    return process.stdout.isTTY === true && rows > 0 && columns > 0 ? { rows, columns } : DEFAULT_SIZE;
  }

  /** Passes on every key as it is pressed, and tells of new sizes. */
  makeRaw(onSize: (size: TerminalSize) => void): void {
    if (process.stdin.isTTY === true) process.stdin.setRawMode(true);
    this.#resized = () => onSize(this.size);
    process.stdout.on('resize', this.#resized);
  }

  restore(): void {
    if (this.#resized === undefined) return;
    process.stdout.off('resize', this.#resized);
    if (process.stdin.isTTY === true) process.stdin.setRawMode(false);
  }
}
