import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/nbd/backend.ts';
import { bufferBackend } from '../../src/nbd/backends/buffer-backend.ts';
import { Command, CommandFlag, Option, type ReplyStyle } from '../../src/nbd/protocol.ts';
import { MemorySession, negotiateInMemory } from '../helpers/nbd-memory.ts';
import {
  clientFlags,
  contextData,
  infoData,
  MessageParser,
  option,
  optionReplies,
  request,
} from '../helpers/nbd-wire.ts';
import { random } from '../helpers/random.ts';

const SEED = 10_809;
const ROUNDS = 4000;

/** Flips, overwrites, cuts out or repeats some bytes. */
function mutate(bytes: Buffer, below: (below: number) => number): Buffer {
  let mutated = Buffer.from(bytes);
  for (let count = 1 + below(4); count > 0; count--) {
    const at = below(mutated.length);
    const kind = below(4);
    if (kind === 0) mutated[at] = below(256);
    else if (kind === 1) mutated[at] = [0, 0xff, 0x7f, 0x80][below(4)] ?? 0;
    else if (kind === 2) mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1 + below(8))]);
    else mutated = Buffer.concat([mutated.subarray(0, at + 1), mutated.subarray(Math.max(0, at - below(40)))]);
    if (mutated.length === 0) return Buffer.alloc(1);
  }
  return mutated;
}

const HANDSHAKE = Buffer.concat([
  clientFlags(),
  option(Option.LIST),
  option(Option.STARTTLS),
  option(Option.STRUCTURED_REPLY),
  option(Option.EXTENDED_HEADERS),
  option(Option.SET_META_CONTEXT, contextData('disk', ['base:allocation', 'qemu:x'])),
  option(Option.LIST_META_CONTEXT, contextData('', [])),
  option(99, Buffer.alloc(20)),
  option(Option.INFO, infoData('disk', [1, 2, 3])),
  option(Option.GO, infoData('other', [3])),
]);

describe('damaged handshakes', () => {
  it('end in a choice, a farewell, a failure or silence, with whole replies', () => {
    const below = random(SEED);
    const outcomes = new Map<string, number>();
    const exports = ['disk', 'other'].map((name, i) => ({
      name,
      backend: bufferBackend(Buffer.alloc(512 << i)),
      tlsOnly: i === 1,
    }));
    for (let round = 0; round < ROUNDS; round++) {
      const said =
        round % 10 === 0 ? Buffer.from(Array.from({ length: below(300) }, () => below(256))) : mutate(HANDSHAKE, below);
      const tls = (['off', 'on', 'require'] as const)[below(3)] ?? 'off';
      const result = negotiateInMemory({ exports, tls }, said, 1 + below(60));
      const chose = typeof result.outcome === 'object';
      // EXPORT_NAME is answered without a header.
      const bare = chose ? [0, 10, 134] : [0];
      const isRight = bare.some((length) => isWhole(result.sent.subarray(0, result.sent.length - length)));
      if (!isRight) throw new Error(`replies to ${said.toString('hex')}`);
      const kind = result.failure?.code ?? (chose ? 'chosen' : String(result.outcome));
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    for (const kind of ['chosen', 'waiting', 'bad-magic', 'client-flags'])
      expect(outcomes.get(kind) ?? 0).toBeGreaterThan(5);
  });
});

function isWhole(bytes: Buffer): boolean {
  try {
    optionReplies(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A disk in memory that sometimes fails and sometimes takes its time, and one that is always right. */
function twin(size: number, below: (below: number) => number): { backend: Backend; truth: Buffer } {
  const truth = Buffer.alloc(size, 0x11);
  const inner = bufferBackend(truth, { writable: true });
  const maybeLater = (act: () => void): void | Promise<void> => {
    if (below(5) === 0) throw new Error('now and then');
    if (below(3) > 0) return act();
    return new Promise((resolve) => setImmediate(resolve)).then(act);
  };
  const backend: Backend = {
    size,
    read: (offset, target) => maybeLater(() => void inner.read(offset, target)),
    write: (offset, source) => maybeLater(() => void inner.write?.(offset, source)),
    trim: (offset, length) => maybeLater(() => void inner.trim?.(offset, length)),
    flush: () => maybeLater(() => {}),
    extents: (offset, length) => [{ offset, length: 1 + below(length), hole: below(2) === 0, zero: false }],
  };
  return { backend, truth };
}

describe('random requests', () => {
  it.each(['simple', 'structured', 'extended'] as const)('are all answered once, with %s replies', async (style) => {
    const below = random(SEED);
    const isExtended = style === 'extended';
    const size = 300_000;
    const { backend } = twin(size, below);
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

describe('damaged requests', () => {
  it.each(['simple', 'structured', 'extended'] as const)(
    'never break more than their connection (%s)',
    async (style: ReplyStyle) => {
      const below = random(SEED + 1);
      const isExtended = style === 'extended';
      const WITH = isExtended ? CommandFlag.PAYLOAD_LEN : 0;
      const said = Buffer.concat([
        request({ type: Command.READ, cookie: 1, offset: 100, length: 1000 }, isExtended),
        request({ type: Command.WRITE, cookie: 2, flags: WITH, offset: 9, payload: Buffer.alloc(100, 1) }, isExtended),
        request({ type: Command.BLOCK_STATUS, cookie: 3, length: 5000 }, isExtended),
        request({ type: Command.WRITE_ZEROES, cookie: 4, length: 5000 }, isExtended),
        request({ type: Command.FLUSH, cookie: 5 }, isExtended),
      ]);
      const outcomes = new Set<string>();
      for (let round = 0; round < ROUNDS / 4; round++) {
        const { backend } = twin(10_000, below);
        const held = new MemorySession({ backend, style });
        held.say(mutate(said, below), 1 + below(300));
        held.session.end();
        await held.rest();
        outcomes.add(held.port.failure?.code ?? String(held.port.isFinished));
        expect(held.port.isFinished || held.port.failure !== undefined).toBe(true);
      }
      expect(outcomes).toContain('bad-magic');
      expect(outcomes).toContain('true');
    },
  );
});
