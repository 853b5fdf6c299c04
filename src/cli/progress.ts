/** How progress is shown: `tty` rewrites a line, `plain` and `json` write a line now and then. */
export type ProgressStyle = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/** A phase shorter than this shows nothing; `tty` is rewritten, others written, at these intervals. In milliseconds. */
const DELAY = 400;
const TTY_INTERVAL = 100;
const LINE_INTERVAL = 2000;

/** Shows on stderr how far a phase is, one phase after another. */
export class ProgressLine {
  readonly #style: 'tty' | 'plain' | 'json' | 'none';
  readonly #interval: number;
  #phase = '';
  #start = 0;
  #shown = 0;
  #open = false;

  constructor(style: ProgressStyle) {
    this.#style = style !== 'auto' ? style : process.stderr.isTTY ? 'tty' : 'none';
    this.#interval = this.#style === 'tty' ? TTY_INTERVAL : LINE_INTERVAL;
  }

  /** `done` of `total` bytes of a phase are done. */
  update(phase: string, done: number, total: number): void {
    if (this.#style === 'none') return;
    const now = performance.now();
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#start = now;
      this.#shown = now + DELAY - this.#interval;
    }
    if (now - this.#shown < this.#interval) return;
    this.#shown = now;
    this.#open = this.#style === 'tty';
    process.stderr.write(line(this.#style, phase, done, total, (now - this.#start) / 1000));
  }

  /** Takes the line away, before something else is written. */
  clear(): void {
    if (this.#open) process.stderr.write('\r\x1b[K');
    this.#open = false;
  }
}

function line(style: 'tty' | 'plain' | 'json', phase: string, done: number, total: number, seconds: number): string {
  const left = done === 0 ? undefined : Math.round((seconds * (total - done)) / done);
  if (style === 'json') return `${JSON.stringify({ phase, done, total, secondsLeft: left })}\n`;
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const text = `${phase} ${percent} % of ${formatSize(total)}${left === undefined ? '' : `, ${left} s left`}`;
  return style === 'tty' ? `\r\x1b[K${text}` : `${text}\n`;
}

/** Bytes for people: `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
