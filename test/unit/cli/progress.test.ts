import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressLine, type ProgressStyle } from '../../../src/cli/progress.ts';

const MIB = 2 ** 20;

let written: string;
let now: number;

beforeEach(() => {
  written = '';
  now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** A phase of ten seconds, told ten times a second. */
function tell(progress: ProgressLine): void {
  for (let step = 0; step <= 100; step++) {
    if (step > 0) now += 100;
    progress.show({
      phase: 'writing',
      bytes: { done: step * MIB, total: 100 * MIB },
      files: { done: step, total: 200 },
    });
  }
}

function shown(style: ProgressStyle): string[] {
  const progress = new ProgressLine(style);
  tell(progress);
  progress.end();
  return written.split('\n').filter(Boolean);
}

describe('ProgressLine', () => {
  it('writes a line now and then, and what was reached', () => {
    expect(shown('plain')).toEqual([
      'writing 4 %: 4 MiB of 100 MiB, 4 of 200 files, 10 MiB/s, 10 s left',
      'writing 24 %: 24 MiB of 100 MiB, 24 of 200 files, 10 MiB/s, 8 s left',
      'writing 44 %: 44 MiB of 100 MiB, 44 of 200 files, 10 MiB/s, 6 s left',
      'writing 64 %: 64 MiB of 100 MiB, 64 of 200 files, 10 MiB/s, 4 s left',
      'writing 84 %: 84 MiB of 100 MiB, 84 of 200 files, 10 MiB/s, 2 s left',
      'writing 100 %: 100 MiB of 100 MiB, 100 of 200 files, in 10 s',
    ]);
  });

  it('writes JSON, an object a line', () => {
    const lines = shown('json').map((line) => JSON.parse(line) as unknown);
    expect(lines).toContainEqual({
      phase: 'writing',
      bytes: { done: 24 * MIB, total: 100 * MIB },
      files: { done: 24, total: 200 },
      seconds: 2.4,
      bytesPerSecond: 10 * MIB,
      filesPerSecond: 10,
      secondsLeft: 8,
      ended: false,
    });
    expect(lines.at(-1)).toMatchObject({ bytes: { done: 100 * MIB }, ended: true });
    expect(lines.at(-1)).not.toHaveProperty('secondsLeft');
  });

  it('rewrites one line of a terminal, and takes it away', () => {
    expect(shown('tty')).toHaveLength(1);
    expect(written.split('\r').length).toBeGreaterThan(90);
    expect(written.endsWith('\r\x1b[K')).toBe(true);
  });

  it('fits the line to the terminal, to the last column', () => {
    const columns = Object.getOwnPropertyDescriptor(process.stderr, 'columns');
    Object.defineProperty(process.stderr, 'columns', { value: 30, configurable: true });
    try {
      shown('tty');
    } finally {
      if (columns === undefined) Reflect.deleteProperty(process.stderr, 'columns');
      else Object.defineProperty(process.stderr, 'columns', columns);
    }
    const lengths = written.split('\r').map((line) => line.replace('\x1b[K', '').length);
    expect(Math.max(...lengths)).toBe(29);
  });

  it('shows nothing where nothing was asked for, and of what is soon done', () => {
    shown('none');
    const progress = new ProgressLine('plain');
    progress.show({ phase: 'hashing', bytes: { done: 0, total: 10 } });
    now += 300;
    progress.show({ phase: 'hashing', bytes: { done: 10, total: 10 } });
    progress.end();
    expect(written).toBe('');
  });

  it('ends a phase when the next begins, and goes on with it when it comes back', () => {
    const progress = new ProgressLine('plain');
    const show = (phase: 'downloading' | 'verifying', done: number): void => {
      progress.show({ phase, bytes: { done } });
      now += 1000;
    };
    for (const done of [0, MIB, 2 * MIB]) show('downloading', done);
    show('verifying', 5);
    show('downloading', 3 * MIB);
    progress.end();
    expect(written.split('\n').filter(Boolean)).toEqual([
      'downloading: 1 MiB, 1 MiB/s',
      'downloading: 2 MiB, in 2 s',
      'downloading: 3 MiB, in 4 s',
    ]);
  });

  it('is silent after its end', () => {
    const progress = new ProgressLine('tty');
    tell(progress);
    progress.end();
    const before = written;
    progress.clear();
    progress.end();
    expect(written).toBe(before);
  });
});
