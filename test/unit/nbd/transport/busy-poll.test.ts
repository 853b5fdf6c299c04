import { describe, expect, it, vi, onTestFinished } from 'vitest';
import { BusyPoll } from '../../../../src/nbd/transport/busy-poll.ts';

/** Counts how often the event loop is kept awake, with a clock that is moved by hand. */
function watch(microseconds: number, isAlone = () => true) {
  let now = 0;
  const queue: (() => void)[] = [];
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.stubGlobal('setImmediate', (callback: () => void) => queue.push(callback));
  onTestFinished(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
  const turn = (milliseconds: number): number => {
    now += milliseconds;
    for (const callback of queue.splice(0)) callback();
    return queue.length;
  };
  return { poll: new BusyPoll(microseconds, isAlone), turn, queue };
}

describe('BusyPoll', () => {
  it('keeps the event loop awake for its time after the last that was heard, once', () => {
    const { poll, turn, queue } = watch(50);
    poll.heard();
    poll.heard();
    expect(queue).toHaveLength(1);
    expect(turn(0.03)).toBe(1);
    poll.heard();
    expect(turn(0.03)).toBe(1);
    expect(turn(0.03)).toBe(0);
    poll.heard();
    expect(queue).toHaveLength(1);
  });

  it('stops when there are others, and does nothing when it is off', () => {
    let isAlone = true;
    const { poll, turn, queue } = watch(50, () => isAlone);
    poll.heard();
    isAlone = false;
    expect(turn(0.01)).toBe(0);
    poll.heard();
    expect(queue).toHaveLength(0);
    const off = watch(0);
    off.poll.heard();
    expect(off.queue).toHaveLength(0);
  });
});
