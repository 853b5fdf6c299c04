import type { ChildProcess } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** A program that is waited for to say something and told something, as on a serial line; it is gone when the test ends. */
export class Dialogue {
  readonly #process: ChildProcess;
  readonly #patience: number;
  #said = '';
  #asked = 0;

  /** `patience` is how long it may take to say what is waited for, in milliseconds. */
  constructor(process: ChildProcess, patience: number) {
    this.#process = process;
    this.#patience = patience;
    onTestFinished(() => this.kill());
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#said += chunk.toString('latin1').replaceAll('\r', '')));
  }

  /** What it said so far that matches; waits for it. Throws when the program ends without saying it. */
  async says(expected: RegExp): Promise<RegExpMatchArray> {
    const end = performance.now() + this.#patience;
    for (;;) {
      const hasEnded = this.#process.exitCode !== null || this.#process.signalCode !== null;
      const found = expected.exec(this.#said);
      if (found !== null) return found;
      if (hasEnded || performance.now() > end) throw new Error(`it did not say ${expected}:\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Says a line to it. */
  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** What a command prints, of a shell that listens. */
  async answer(command: string): Promise<string> {
    const mark = `answer ${++this.#asked}`;
    // Of the line itself, which a terminal says again, this is no part.
    this.tell(`echo "<${mark}"; ${command}; echo "${mark}>"`.replaceAll(mark, mark.replace(' ', '" "')));
    const [, said = ''] = await this.says(new RegExp(`<${mark}\n([^]*?)${mark}>`));
    return said;
  }

  /** Its exit status once it has ended; null after a signal. */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await new Promise((resolve) => this.#process.once('close', resolve));
    return this.#process.exitCode;
  }

  /** Pulls its plug. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
