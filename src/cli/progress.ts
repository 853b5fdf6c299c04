import type { Phase, Progress } from '../core/progress.ts';
import { type PhaseState, progressJson, progressText } from './progress-text.ts';
import { Rate } from './rate.ts';

/** How progress is shown: `tty` rewrites a line, `plain` and `json` write a line now and then. */
export type ProgressStyle = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/** In milliseconds: a phase shorter than this shows nothing, and `tty` is rewritten, others written, at these intervals. */
const DELAY = 400;
const TTY_INTERVAL = 100;
const LINE_INTERVAL = 2000;

const COLUMNS_DEFAULT = 80;

/** A phase that was seen, and how it went. Times are in milliseconds. */
interface Seen {
  readonly start: number;
  readonly bytes: Rate;
  readonly files: Rate;
  last: Progress;
  lastAt: number;
  isShown: boolean;
}

/** Shows on stderr how far long work is, one phase after another. */
export class ProgressLine {
  readonly #style: 'tty' | 'plain' | 'json' | 'none';
  readonly #interval: number;
  readonly #seen = new Map<Phase, Seen>();
  #phase: Phase | undefined;
  #shownAt = 0;
  #isOpen = false;

  constructor(style: ProgressStyle) {
    this.#style = style !== 'auto' ? style : process.stderr.isTTY ? 'tty' : 'none';
    this.#interval = this.#style === 'tty' ? TTY_INTERVAL : LINE_INTERVAL;
  }

  /** Takes note of how far the work is; shows it when it is time to. */
  readonly show = (progress: Progress): void => {
    if (this.#style === 'none') return;
    const now = performance.now();
    const { phase } = progress;
    if (phase !== this.#phase) this.#enter(phase, progress, now);
    const seen = this.#seen.get(phase)!;
    seen.last = progress;
    seen.lastAt = now;
    if (now - this.#shownAt < this.#interval) return;
    this.#shownAt = now;
    this.#write(seen, false);
  };

  /** Takes the line away, before something else is written. */
  clear(): void {
    if (this.#isOpen) process.stderr.write('\r\x1b[K');
    this.#isOpen = false;
  }

  /** Says how far the last phase came, and takes the line away. */
  end(): void {
    this.#leave();
    this.#phase = undefined;
    this.clear();
  }

  #enter(phase: Phase, progress: Progress, now: number): void {
    this.#leave();
    this.#phase = phase;
    this.#shownAt = now + DELAY - this.#interval;
    if (this.#seen.has(phase)) return;
    const { bytes, files } = progress;
    this.#seen.set(phase, {
      start: now,
      bytes: new Rate(now / 1000, bytes?.done ?? 0),
      files: new Rate(now / 1000, files?.done ?? 0),
      last: progress,
      lastAt: now,
      isShown: false,
    });
  }

  /** Lines that stay end with what was reached. */
  #leave(): void {
    const seen = this.#phase === undefined ? undefined : this.#seen.get(this.#phase);
    if (seen?.isShown === true && this.#style !== 'tty') this.#write(seen, true);
  }

  #write(seen: Seen, hasEnded: boolean): void {
    seen.isShown = true;
    const { last, lastAt, start } = seen;
    seen.bytes.update(lastAt / 1000, last.bytes?.done ?? 0);
    seen.files.update(lastAt / 1000, last.files?.done ?? 0);
    const state: PhaseState = {
      progress: last,
      seconds: (lastAt - start) / 1000,
      bytesPerSecond: seen.bytes.perSecond,
      filesPerSecond: seen.files.perSecond,
      hasEnded,
    };
    if (this.#style === 'tty') {
      // The last column stays free: a terminal would go to the next line.
      const text = progressText(state).slice(0, (process.stderr.columns ?? COLUMNS_DEFAULT) - 1);
      process.stderr.write(`\r${text}\x1b[K`);
      this.#isOpen = true;
    } else process.stderr.write(`${this.#style === 'json' ? progressJson(state) : progressText(state)}\n`);
  }
}
