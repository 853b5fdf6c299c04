import type { Backend, Export } from '../../src/nbd/backend.ts';
import { ConnectionFailure } from '../../src/nbd/errors.ts';
import { ExportTable } from '../../src/nbd/export-table.ts';
import { type Limits, limitsWith } from '../../src/nbd/limits.ts';
import { ByteQueue } from '../../src/nbd/negotiation/byte-queue.ts';
import type { Answer } from '../../src/nbd/negotiation/conversation.ts';
import { negotiate } from '../../src/nbd/negotiation/negotiate.ts';
import type { Chosen, TlsMode } from '../../src/nbd/negotiation/policy.ts';
import type { ReplyStyle } from '../../src/nbd/protocol.ts';
import type { Port } from '../../src/nbd/transmission/port.ts';
import type { Request } from '../../src/nbd/transmission/request.ts';
import { Session } from '../../src/nbd/transmission/session.ts';
import { transmissionFlags } from '../../src/nbd/transmission-flags.ts';

export interface NegotiationCase {
  readonly exports: readonly Export[];
  readonly tls?: TlsMode;
  readonly limits?: Partial<Limits>;
  readonly structuredReplies?: boolean;
  readonly isClosing?: () => boolean;
}

export interface Negotiated {
  /** Everything after the greeting. */
  readonly sent: Buffer;
  readonly greeting: Buffer;
  /** undefined: the client took leave; 'waiting': it has to say more. */
  readonly outcome: Chosen | undefined | 'waiting';
  readonly failure: ConnectionFailure | undefined;
  /** What happened besides, in order. */
  readonly effects: readonly string[];
  /** What the client sent and nobody asked for. */
  readonly left: number;
}

/** Holds a negotiation in memory, the client's words coming in chunks of `chunkBytes`. */
export function negotiateInMemory(
  { exports, tls = 'off', limits, structuredReplies = true, isClosing = () => false }: NegotiationCase,
  said: Uint8Array,
  chunkBytes = said.length,
): Negotiated {
  const policy = { exports: new ExportTable(exports), tls, limits: limitsWith(limits), structuredReplies, isClosing };
  const conversation = negotiate(policy);
  const queue = new ByteQueue();
  const sent: Uint8Array[] = [];
  const effects: string[] = [];
  let at = 0;
  const until = (length: number): boolean => {
    while (queue.length < length && at < said.length) {
      queue.push(said.subarray(at, at + chunkBytes));
      at += chunkBytes;
    }
    return queue.length >= length;
  };
  const result = (outcome: Negotiated['outcome'], failure?: ConnectionFailure): Negotiated => ({
    sent: Buffer.concat(sent.slice(1)),
    greeting: Buffer.from(sent[0] ?? []),
    outcome,
    failure,
    effects,
    left: queue.length,
  });
  try {
    let step = conversation.next();
    while (step.done !== true) {
      const wanted = step.value;
      let answer: Answer;
      if (typeof wanted === 'number') {
        if (!until(wanted)) return result('waiting');
        answer = queue.take(wanted);
      } else if (wanted.do === 'skip') {
        for (let left = wanted.length; left > 0; ) {
          if (!until(1)) return result('waiting');
          left -= queue.drop(left);
        }
      } else if (wanted.do === 'send') sent.push(wanted.bytes);
      else if (wanted.do === 'open') {
        effects.push(`open ${wanted.entry.name}`);
        answer = backendOf(wanted.entry);
      } else if (wanted.do === 'start-tls') {
        sent.push(wanted.reply);
        effects.push('tls');
      } else effects.push('close');
      step = conversation.next(answer);
    }
    return result(step.value);
  } catch (error) {
    if (error instanceof ConnectionFailure) return result(undefined, error);
    throw error;
  }
}

function backendOf({ backend }: Export): Backend | undefined {
  try {
    return typeof backend === 'function' ? (backend() as Backend) : backend;
  } catch {
    return undefined;
  }
}

/** A port that keeps what is sent; with `isSlow` the client takes nothing until `drain`. */
class MemoryPort implements Port {
  readonly sent: Buffer[] = [];
  readonly writes: number[] = [];
  isSlow = false;
  isAlone = false;
  isFinished = false;
  isPaused = false;
  failure: ConnectionFailure | undefined;
  readonly backendErrors: unknown[] = [];
  /** What the session counts as answered. */
  readonly answers: { cookie: number; error: number }[] = [];
  #waiting: { bytes: Uint8Array; written: () => void }[] = [];

  write(bytes: Uint8Array, written: () => void): void {
    this.writes.push(bytes.length);
    if (this.isSlow) this.#waiting.push({ bytes, written });
    else {
      this.sent.push(Buffer.from(bytes));
      written();
    }
  }

  get isDrained(): boolean {
    return this.#waiting.length === 0;
  }

  /** The client reads what was written so far; only now are the bytes looked at. */
  drain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { bytes } of waiting) this.sent.push(Buffer.from(bytes));
    for (const { written } of waiting) written();
  }

  resume(): void {
    this.isPaused = false;
  }

  finish(): void {
    this.isFinished = true;
  }

  fail(error: unknown): void {
    if (!(error instanceof ConnectionFailure)) throw error;
    this.failure = error;
  }

  later(callback: () => void): void {
    setImmediate(callback);
  }

  backendFailed(error: unknown): void {
    this.backendErrors.push(error);
  }

  answered({ cookieLow }: Request, error: number): void {
    this.answers.push({ cookie: cookieLow, error });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.sent);
  }
}

export interface SessionCase {
  readonly backend: Backend;
  readonly style?: ReplyStyle;
  readonly hasAllocation?: boolean;
  readonly blockBytesMin?: number;
  readonly limits?: Partial<Limits>;
}

/** A session in memory. Chunks that it could not use at once are kept until it asks for more. */
export class MemorySession {
  readonly port = new MemoryPort();
  readonly session: Session;
  #queue: Uint8Array[] = [];

  constructor({ backend, style = 'structured', hasAllocation = true, blockBytesMin = 1, limits }: SessionCase) {
    const entry = { name: '', backend, blockBytesMin };
    const chosen = { entry, backend, style, hasAllocation, flags: transmissionFlags(entry, backend, style) };
    const resume = this.port.resume.bind(this.port);
    this.port.resume = () => {
      resume();
      this.#feed();
    };
    this.session = new Session(this.port, chosen, limitsWith(limits));
  }

  /** Hands over what the client says, in chunks of `chunkBytes`, each in memory that is overwritten after its use. */
  say(bytes: Uint8Array, chunkBytes = bytes.length): void {
    for (let at = 0; at < bytes.length; at += chunkBytes) this.#queue.push(bytes.slice(at, at + chunkBytes));
    this.#feed();
  }

  get isHeldBack(): boolean {
    return this.#queue.length > 0;
  }

  /** Lets promises and other connections' turns pass until nothing moves any more. */
  async rest(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  #feed(): void {
    while (!this.port.isPaused && this.#queue.length > 0 && !this.port.isFinished && this.port.failure === undefined) {
      const chunk = this.#queue.shift()!;
      if (this.session.receive(chunk)) chunk.fill(0xee);
      else this.port.isPaused = true;
    }
  }
}
