import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatSize, ProgressLine, type ProgressStyle } from '../../../src/cli/progress.ts';

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
function show(style: ProgressStyle): void {
  const progress = new ProgressLine(style);
  for (let step = 0; step <= 100; step++) {
    progress.update('building', step * 2 ** 20, 100 * 2 ** 20);
    now += 100;
  }
  progress.clear();
}

describe('ProgressLine', () => {
  it('writes a line now and then', () => {
    show('plain');
    expect(written.split('\n').filter(Boolean)).toEqual([
      'building 4 % of 100 MiB, 10 s left',
      'building 24 % of 100 MiB, 8 s left',
      'building 44 % of 100 MiB, 6 s left',
      'building 64 % of 100 MiB, 4 s left',
      'building 84 % of 100 MiB, 2 s left',
    ]);
  });

  it('writes JSON, a line each', () => {
    show('json');
    const lines = written.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      phase: 'building',
      done: 24 * 2 ** 20,
      total: 100 * 2 ** 20,
      secondsLeft: 8,
    });
  });

  it('rewrites one line of a terminal, and takes it away', () => {
    show('tty');
    expect(written).not.toContain('\n');
    expect(written.split('\r').length).toBeGreaterThan(90);
    expect(written.endsWith('\r\x1b[K')).toBe(true);
  });

  it('shows nothing where nothing was asked for, and of what is soon done', () => {
    show('none');
    const progress = new ProgressLine('plain');
    progress.update('building', 0, 10);
    now += 300;
    progress.update('building', 10, 10);
    progress.clear();
    expect(written).toBe('');
  });
});

describe('formatSize', () => {
  it('is for people', () => {
    expect([0, 1, 1023, 1024, 1536, 2 ** 20, 2.5 * 2 ** 30, 2 ** 54].map(formatSize)).toEqual([
      '0 bytes',
      '1 bytes',
      '1023 bytes',
      '1 KiB',
      '1.5 KiB',
      '1 MiB',
      '2.5 GiB',
      '16384 TiB',
    ]);
  });
});
