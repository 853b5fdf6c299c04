import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import { DEFAULT_TIMING, Patience, TransientFailure } from '../../../../src/sources/registry/patience.ts';

const failure = (retryAfter?: number): TransientFailure =>
  new TransientFailure(new ImageError('registry-failed', 'no'), retryAfter);

describe('a wait', () => {
  it('ends when the work is given up, however many there are', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => emitted.mockRestore());
    const ending = new AbortController();
    const waits = Array.from({ length: 40 }, async () => DEFAULT_TIMING.sleep(60_000, ending.signal));
    ending.abort(new Error('given up'));
    const results = await Promise.allSettled(waits);
    expect(results.map(({ status }) => status)).toEqual(Array(40).fill('rejected'));
    expect(emitted).not.toHaveBeenCalled();
  });

  it('is up to a half shorter at random, and doubles up to a limit', async () => {
    for (const [random, first] of [
      [0, 500],
      [1, 250],
    ] as const) {
      const waits: number[] = [];
      const timing = { ...DEFAULT_TIMING, random: () => random, sleep: async (wait: number) => void waits.push(wait) };
      const patience = new Patience({ timing, signal: undefined, onWarning: () => undefined });
      for (let i = 0; i < 5; i++) await patience.wait(failure());
      expect(waits).toEqual([1, 2, 4, 8, 16].map((factor) => factor * first));
      patience.reward();
      await patience.wait(failure(30_000));
      expect(waits.at(-1)).toBe(30_000);
    }
  });

  it('is none for what will not change', async () => {
    const patience = new Patience({ timing: DEFAULT_TIMING, signal: undefined, onWarning: () => undefined });
    const error = new Error('final');
    await expect(patience.wait(error)).rejects.toBe(error);
    const ended = new Patience({
      timing: DEFAULT_TIMING,
      signal: AbortSignal.abort(new Error('given up')),
      onWarning: () => undefined,
    });
    await expect(ended.wait(failure())).rejects.toThrow('given up');
  });
});
