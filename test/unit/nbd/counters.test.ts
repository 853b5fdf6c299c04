import { describe, expect, it } from 'vitest';
import { Counters, LATENCY_RANGES } from '../../../src/nbd/counters.ts';
import { Command } from '../../../src/nbd/protocol.ts';

describe('Counters', () => {
  it('count requests by their command, with bytes of those that succeeded', () => {
    const counters = new Counters();
    counters.count(Command.READ, 100, false, 1);
    counters.count(Command.READ, 50, true, 1);
    counters.count(Command.WRITE, 7, false, 1);
    counters.count(Command.BLOCK_STATUS, 1 << 30, false, 1);
    counters.count(999, 3, true, 1);
    expect([...counters.requests]).toEqual([2, 1, 0, 0, 0, 0, 0, 1]);
    expect(counters).toMatchObject({ errors: 2, bytesRead: 100, bytesWritten: 7, latencySum: 5 });
  });

  it.each([
    [0, 0],
    [0.0005, 0],
    [0.001, 0],
    [0.0011, 1],
    [0.002, 1],
    [0.0021, 2],
    [1, 10],
    [1.024, 10],
    [1.0241, 11],
    [1e9, LATENCY_RANGES - 1],
  ])('put %d ms in range %d', (milliseconds, range) => {
    const counters = new Counters();
    counters.count(Command.READ, 1, false, milliseconds);
    expect(counters.latencies.indexOf(1)).toBe(range);
  });
});
