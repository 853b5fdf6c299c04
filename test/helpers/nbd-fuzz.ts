import type { Backend } from '../../src/nbd/backend.ts';
import { bufferBackend } from '../../src/nbd/backends/buffer-backend.ts';
import type { TlsMode } from '../../src/nbd/negotiation/policy.ts';
import { Command, CommandFlag, Option, type ReplyStyle } from '../../src/nbd/protocol.ts';
import { MemorySession, negotiateInMemory } from './nbd-memory.ts';
import { clientFlags, contextData, infoData, MessageParser, option, optionReplies, request } from './nbd-wire.ts';
import { random } from './random.ts';

type Below = (below: number) => number;

/** What a client says in one connection, some of it damaged. Follows from two numbers alone. */
export interface FuzzInput {
  readonly seed: number;
  readonly index: number;
  /** The handshake, or the transmission phase with replies of a style. */
  readonly part: 'handshake' | ReplyStyle;
  readonly said: Buffer;
}

const PARTS = ['handshake', 'simple', 'structured', 'extended'] as const;

/** Numbers that are wrong in one place or another. */
const BOUNDS = [0, 1, 4095, 4096, 9999, 10_000, 0x1_0000, 0x200_0000, 0x7fff_ffff, 0xffff_ffff];

/** Turns of the event loop after which a session that has not ended never will. */
const TURNS_MAX = 5000;

const DISK_BYTES = 10_000;

/** The input number `index` of a seed. */
export function fuzzInput(seed: number, index: number): FuzzInput {
  const below = belowOf(seed, index);
  const part = PARTS[below(PARTS.length)]!;
  const said = part === 'handshake' ? handshake(below) : requests(part, below);
  const kind = below(10);
  if (kind === 0) return { seed, index, part, said: noise(1 + below(300), below) };
  return { seed, index, part, said: kind < 3 ? said : mutate(said, below) };
}

/** A whole conversation, from the client's flags to its requests, damaged somewhere. */
export function fuzzConversation(seed: number, index: number): Buffer {
  const below = belowOf(seed, index);
  const go = option(Option.GO, infoData(''));
  const style = below(2) === 0 ? 'simple' : 'structured';
  const start = style === 'simple' ? [clientFlags(), go] : [clientFlags(), option(Option.STRUCTURED_REPLY), go];
  const said = Buffer.concat([...start, requests(style, below)]);
  return below(4) === 0 ? said : mutate(said, below);
}

/** Text to find an input again. */
export function reproducer({ seed, index, part, said }: FuzzInput): string {
  return `BLOCKLOOM_SEED=${seed} BLOCKLOOM_INPUT=${index} (${part}): ${said.toString('hex')}`;
}

/** Tries an input in memory and says how it ended. Throws when the server broke a promise. */
export async function tryInput(input: FuzzInput): Promise<string> {
  const below = belowOf(input.seed, ~input.index);
  return input.part === 'handshake' ? tryHandshake(input.said, below) : tryRequests(input.said, input.part, below);
}

function belowOf(seed: number, index: number): Below {
  const below = random(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b) || 1);
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 4; i++) below(1);
  return below;
}

function noise(length: number, below: Below): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => below(256)));
}

/** Flips, overwrites, cuts out or repeats some bytes. */
function mutate(bytes: Buffer, below: Below): Buffer {
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

function handshake(below: Below): Buffer {
  const name = ['', 'disk', 'other', 'absent', 'n'.repeat(4097)][below(5)]!;
  const length = BOUNDS[below(BOUNDS.length)];
  const choices = [
    option(Option.LIST),
    option(Option.STARTTLS),
    option(Option.STRUCTURED_REPLY),
    option(Option.EXTENDED_HEADERS),
    option(Option.SET_META_CONTEXT, contextData(name, ['base:allocation', 'qemu:x'])),
    option(Option.LIST_META_CONTEXT, contextData(name, [])),
    option(99, Buffer.alloc(20)),
    option(Option.INFO, infoData(name, [1, 2, 3])),
    option(Option.PEEK_EXPORT, Buffer.alloc(9), length),
  ];
  const ends = [
    option(Option.GO, infoData(name, [3])),
    option(Option.EXPORT_NAME, Buffer.from(name)),
    option(Option.ABORT),
  ];
  const options = Array.from({ length: below(8) }, () => choices[below(choices.length)]!);
  return Buffer.concat([clientFlags(below(20) === 0 ? below(8) : 3), ...options, ends[below(ends.length)]!]);
}

function requests(style: ReplyStyle, below: Below): Buffer {
  const isExtended = style === 'extended';
  const number = (): number => (below(3) > 0 ? below(DISK_BYTES) : BOUNDS[below(BOUNDS.length)]!);
  return Buffer.concat(
    Array.from({ length: 1 + below(8) }, (_, cookie) => {
      const type = below(10);
      const payload = type === Command.WRITE ? Buffer.alloc(below(3000), below(256)) : undefined;
      let flags = below(3) === 0 ? below(64) : 0;
      if (isExtended && type === Command.WRITE) flags |= CommandFlag.PAYLOAD_LEN;
      const fields = { type, flags, cookie, offset: number(), length: payload?.length ?? number() };
      return request({ ...fields, ...(payload && { payload }) }, isExtended);
    }),
  );
}

function tryHandshake(said: Buffer, below: Below): string {
  const exports = ['disk', 'other'].map((name, i) => ({
    name,
    backend: bufferBackend(Buffer.alloc(512 << i)),
    tlsOnly: i === 1,
  }));
  const tls: TlsMode = (['off', 'on', 'require'] as const)[below(3)]!;
  const result = negotiateInMemory({ exports, tls }, said, 1 + below(60));
  const chose = typeof result.outcome === 'object';
  // EXPORT_NAME is answered without a header.
  const bare = chose ? [0, 10, 134] : [0];
  if (!bare.some((length) => isWhole(result.sent.subarray(0, result.sent.length - length))))
    throw new Error(`replies ${result.sent.toString('hex')}`);
  if (chose && tls === 'require' && !result.effects.includes('tls'))
    throw new Error('an export was chosen without TLS');
  return result.failure?.code ?? (chose ? 'chosen' : String(result.outcome));
}

function isWhole(bytes: Buffer): boolean {
  try {
    optionReplies(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A disk in memory that sometimes fails and sometimes takes its time. */
export function flakyDisk(size: number, below: Below): Backend {
  const inner = bufferBackend(Buffer.alloc(size, 0x11), { writable: true });
  const maybeLater = (act: () => void): void | Promise<void> => {
    if (below(5) === 0) throw new Error('now and then');
    if (below(3) > 0) return act();
    return new Promise((resolve) => setImmediate(resolve)).then(act);
  };
  return {
    size,
    read: (offset, target) => maybeLater(() => void inner.read(offset, target)),
    write: (offset, source) => maybeLater(() => void inner.write?.(offset, source)),
    trim: (offset, length) => maybeLater(() => void inner.trim?.(offset, length)),
    flush: () => maybeLater(() => {}),
    extents: (offset, length) => [{ offset, length: 1 + below(length), hole: below(2) === 0, zero: false }],
  };
}

async function tryRequests(said: Buffer, style: ReplyStyle, below: Below): Promise<string> {
  const held = new MemorySession({ backend: flakyDisk(DISK_BYTES, below), style });
  held.port.isSlow = below(4) === 0;
  held.say(said, 1 + below(300));
  const isOver = (): boolean => held.port.isFinished || held.port.failure !== undefined;
  let isTold = false;
  for (let turn = 0; ; turn++) {
    if (!isTold && !held.isHeldBack) {
      held.session.end();
      isTold = true;
    }
    if (isOver() && held.port.isDrained) break;
    if (turn === TURNS_MAX) throw new Error('the session does not end');
    held.port.drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (held.port.failure === undefined && style !== 'simple') expectWholeReplies(held.port.bytes, style);
  return held.port.failure?.code ?? 'finished';
}

/** Throws unless the replies are of the style and whole, to the last one. */
function expectWholeReplies(bytes: Buffer, style: ReplyStyle): void {
  const parser = new MessageParser(style);
  parser.push(bytes);
  if (parser.leftOver > 0) throw new Error(`${parser.leftOver} bytes are no reply`);
}
