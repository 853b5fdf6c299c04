import { describe, expect, it } from 'vitest';
import { Command, CommandFlag } from '../../src/nbd/protocol.ts';
import { flakyDisk, fuzzInput, reproducer, tryInput } from '../helpers/nbd-fuzz.ts';
import { MemorySession } from '../helpers/nbd-memory.ts';
import { MessageParser, request } from '../helpers/nbd-wire.ts';
import { random } from '../helpers/random.ts';

const SEED = 10_809;
const ROUNDS = 4000;

describe('damaged handshakes and requests', () => {
  it('never break more than their connection, and get whole replies', async () => {
    const outcomes = new Map<string, number>();
    for (let index = 0; index < 4 * ROUNDS; index++) {
      const input = fuzzInput(SEED, index);
      const outcome = await tryInput(input).catch((error: unknown) => {
        throw new Error(reproducer(input), { cause: error });
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    for (const outcome of [
      'chosen',
      'waiting',
      'finished',
      'bad-magic',
      'client-flags',
      'option-order',
      'unknown-export',
    ])
      expect([outcome, (outcomes.get(outcome) ?? 0) > 5]).toEqual([outcome, true]);
  });
});

describe('random requests', () => {
  it.each(['simple', 'structured', 'extended'] as const)('are all answered once, with %s replies', async (style) => {
    const below = random(SEED);
    const isExtended = style === 'extended';
    const size = 300_000;
    const backend = flakyDisk(size, below);
    const held = new MemorySession({ backend, style, limits: { requestsInFlightMax: 16, payloadBytesMax: 262_144 } });
    const lengths = new Map<bigint, number>();
    for (let cookie = 1n; cookie <= BigInt(ROUNDS / 4); cookie++) {
      const type = below(9);
      const length = [below(100), below(9000), below(262_000)][below(3)] ?? 0;
      const payload = type === Command.WRITE ? Buffer.alloc(length, below(256)) : undefined;
      let flags = below(3) === 0 ? below(32) : 0;
      if (isExtended && type === Command.WRITE) flags |= CommandFlag.PAYLOAD_LEN;
      if (type === Command.DISC) continue;
      lengths.set(cookie, type === Command.READ ? length : 0);
      const message = { type, flags, cookie, offset: below(size + 20), length, ...(payload && { payload }) };
      held.say(request(message, isExtended), 1 + below(100_000));
      if (below(20) === 0) held.port.isSlow = !held.port.isSlow;
      if (below(10) === 0) held.port.drain();
      if (below(30) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    held.port.isSlow = false;
    while (held.isHeldBack && held.port.failure === undefined) {
      held.port.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    held.session.end();
    while (!held.port.isFinished && held.port.failure === undefined) {
      held.port.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(held.port.failure).toBeUndefined();
    const parser = new MessageParser(style, (cookie) => lengths.get(cookie) ?? 0);
    const messages = parser.push(held.port.bytes);
    expect(parser.leftOver).toBe(0);
    const done = messages.filter(({ isDone }) => isDone).map(({ cookie }) => cookie);
    expect(done.toSorted((a, b) => Number(a - b))).toEqual([...lengths.keys()]);
  });
});
