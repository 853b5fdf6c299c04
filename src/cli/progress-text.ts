import type { Amount, Progress } from '../core/progress.ts';
import { formatCount, formatSeconds, formatSize } from './units.ts';

/** How far a phase is, and how fast it goes. */
export interface PhaseState {
  readonly progress: Progress;
  /** Since it began. */
  readonly seconds: number;
  readonly bytesPerSecond: number | undefined;
  readonly filesPerSecond: number | undefined;
  /** Whether this is the last that is said of it. */
  readonly hasEnded: boolean;
}

/** `writing 45 %: 540 MiB of 1.2 GiB, 3,210 of 7,000 files, 300 MiB/s, 12 s left`, as far as it is known. */
export function progressText(state: PhaseState): string {
  const { progress, seconds, bytesPerSecond, filesPerSecond, hasEnded } = state;
  const { phase, bytes, files } = progress;
  const parts: string[] = [];
  if (bytes !== undefined) parts.push(ofTotal(bytes, formatSize));
  if (files !== undefined) parts.push(`${ofTotal(files, formatCount)} files`);
  if (hasEnded) {
    parts.push(`in ${formatSeconds(seconds)}`);
  } else {
    if (bytes !== undefined && bytesPerSecond !== undefined) parts.push(`${formatSize(bytesPerSecond)}/s`);
    else if (filesPerSecond !== undefined) parts.push(`${formatCount(filesPerSecond)} files/s`);
    const left = secondsLeft(state);
    if (left !== undefined) parts.push(`${formatSeconds(left)} left`);
  }
  const percent = percentOf(bytes ?? files);
  const head = percent === undefined ? phase : `${phase} ${percent} %`;
  return parts.length === 0 ? head : `${head}: ${parts.join(', ')}`;
}

/** One object; what is not known is left out. */
export function progressJson(state: PhaseState): string {
  const { progress, seconds, bytesPerSecond, filesPerSecond, hasEnded } = state;
  const left = hasEnded ? undefined : secondsLeft(state);
  return JSON.stringify({
    phase: progress.phase,
    bytes: progress.bytes,
    files: progress.files,
    seconds: Number(seconds.toFixed(1)),
    bytesPerSecond: rounded(bytesPerSecond),
    filesPerSecond: rounded(filesPerSecond),
    secondsLeft: rounded(left),
    ended: hasEnded,
  });
}

function ofTotal({ done, total }: Amount, format: (value: number) => string): string {
  return total === undefined ? format(done) : `${format(done)} of ${format(total)}`;
}

function percentOf(amount: Amount | undefined): number | undefined {
  if (amount?.total === undefined) return undefined;
  return amount.total === 0 ? 100 : Math.floor((100 * amount.done) / amount.total);
}

/** By bytes where their total is known, else by files. */
function secondsLeft({ progress, bytesPerSecond, filesPerSecond }: PhaseState): number | undefined {
  const { bytes, files } = progress;
  const [amount, rate] = bytes?.total === undefined ? [files, filesPerSecond] : [bytes, bytesPerSecond];
  if (amount?.total === undefined || rate === undefined) return undefined;
  return (amount.total - amount.done) / rate;
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}
