/** How progress is shown: `tty` rewrites a line, `plain` and `json` write a line now and then. */
export type ProgressStyle = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/** Shows how far a long phase is. */
export interface Progress {
  update(done: number, total: number): void;
  /** Ends the phase and clears its line. */
  end(): void;
}

/** A phase shorter than this shows nothing; `tty` is rewritten, others written, at these intervals. In milliseconds. */
const DELAY = 400;
const TTY_INTERVAL = 100;
const LINE_INTERVAL = 2000;

/** Begins a phase on stderr. */
export function startProgress(phase: string, style: ProgressStyle): Progress {
  const chosen = style === 'auto' ? (process.stderr.isTTY ? 'tty' : 'none') : style;
  if (chosen === 'none') return { update: () => undefined, end: () => undefined };
  const interval = chosen === 'tty' ? TTY_INTERVAL : LINE_INTERVAL;
  const start = performance.now();
  let shown = start + DELAY - interval;
  let open = false;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - shown < interval) return;
      shown = now;
      open = true;
      const seconds = (now - start) / 1000;
      process.stderr.write(line(chosen, phase, done, total, seconds));
    },
    end() {
      if (open && chosen === 'tty') process.stderr.write('\r\x1b[K');
    },
  };
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
