import type { Socket } from 'node:net';
import type { TlsOptions as NodeTlsOptions } from 'node:tls';
import type { Backend, Export } from './backend.ts';
import { ConnectionFailure } from './errors.ts';
import { checkBackend } from './export-table.ts';
import type { Answer, Effect } from './negotiation/conversation.ts';
import { negotiate } from './negotiation/negotiate.ts';
import type { Chosen, Policy } from './negotiation/policy.ts';
import { Reader } from './negotiation/reader.ts';
import { encrypt } from './tls.ts';
import type { Request } from './transmission/request.ts';
import { Session } from './transmission/session.ts';
import type { BusyPoll } from './transport/busy-poll.ts';
import { Wire } from './transport/wire.ts';

const HANDSHAKE_CLOSE_MILLISECONDS = 500;

/** What a server wants to hear of its connections. */
export interface Observer {
  /** A backend failed, or could not be opened; the client was told without details. */
  backendFailed(error: unknown): void;
  /** The connection was closed for a reason that is not the client's wish. */
  connectionFailed(error: unknown): void;
  /** A request has its reply, with an error value or 0. The object is used again. */
  answered(entry: Export, request: Request, error: number): void;
}

/** What all connections of a server share. */
export interface Settings {
  readonly policy: Policy;
  readonly tls: NodeTlsOptions | undefined;
  readonly observer: Observer;
  readonly busyPoll: BusyPoll;
  /** Whether there is one connection only. */
  readonly isAlone: () => boolean;
}

/** One client, from the greeting to the end. */
export class Connection {
  readonly #settings: Settings;
  #wire: Wire;
  #session: Session | undefined;
  /** Backends that were opened for this connection alone. */
  readonly #opened = new Set<Backend>();
  #isClosed = false;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};

  /** Takes over `wire`, which must tell `wireClosed` when it is closed. */
  constructor(settings: Settings, makeWire: (closed: () => void) => Wire) {
    this.#settings = settings;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#wire = makeWire(() => void this.#wireClosed());
  }

  /** Serves the client; settled when the connection is closed and its backends are. Never rejects. */
  async run(): Promise<void> {
    const { handshakeMilliseconds } = this.#settings.policy.limits;
    const timer = setTimeout(() => {
      this.#fail(new ConnectionFailure('timeout', `no export was chosen in ${handshakeMilliseconds} ms`));
    }, handshakeMilliseconds);
    try {
      const chosen = await this.#handshake();
      if (chosen === undefined) this.#wire.finish(true);
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
    await this.#ended;
    // One may have been opening while the client left.
    await this.#closeBackends();
  }

  /** The server is stopping: requests in flight are finished, a handshake has a moment to be told. */
  close(): void {
    if (this.#session !== undefined) this.#session.close();
    else setTimeout(() => this.#session ?? this.destroy(), HANDSHAKE_CLOSE_MILLISECONDS).unref();
  }

  /** No more waiting. */
  destroy(): void {
    this.#wire.destroy();
  }

  /** Runs the conversation of the handshake and begins the transmission phase. */
  async #handshake(): Promise<Chosen | undefined> {
    let reader = this.#read();
    const conversation = negotiate(this.#settings.policy);
    let step = conversation.next();
    while (step.done !== true) {
      const wanted = step.value;
      let answer: Answer;
      if (typeof wanted === 'number') answer = await reader.take(wanted);
      else if (wanted.do === 'skip') await reader.skip(wanted.length);
      else if (wanted.do === 'start-tls') reader = await this.#startTls(reader, wanted.reply);
      else answer = await this.#perform(wanted);
      step = conversation.next(answer);
    }
    if (step.value !== undefined) this.#transmit(step.value, reader);
    return step.value;
  }

  #read(): Reader {
    const reader = new Reader(this.#wire);
    this.#wire.setReceiver(reader);
    return reader;
  }

  async #perform(effect: Exclude<Effect, { do: 'skip' | 'start-tls' }>): Promise<Answer> {
    switch (effect.do) {
      case 'send':
        await this.#send(effect.bytes);
        return undefined;
      case 'open':
        return this.#open(effect.entry);
      case 'close-backend':
        await this.#closeBackend(effect.backend);
    }
    return undefined;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.#wire.write(bytes, resolve));
  }

  async #startTls(reader: Reader, reply: Uint8Array): Promise<Reader> {
    const raw = this.#wire;
    // What was sent before encryption could have been put there by anybody.
    raw.setReceiver({ receive: () => true, end: () => {} });
    if (reader.rest().length > 0 || this.#settings.tls === undefined) {
      throw new ConnectionFailure('early-plaintext', 'the client sent more before TLS was agreed on');
    }
    await this.#send(reply);
    const secure = await encrypt(raw.readable as Socket, this.#settings.tls);
    this.#wire = new Wire(secure, secure, () => raw.destroy());
    this.#wire.listen();
    return this.#read();
  }

  #transmit(chosen: Chosen, reader: Reader): void {
    const wire = this.#wire;
    const { isAlone } = this.#settings;
    const session = new Session(
      {
        write: (bytes, written) => wire.write(bytes, written),
        get isDrained() {
          return wire.isDrained;
        },
        get isAlone() {
          return isAlone();
        },
        resume: () => wire.resume(),
        finish: (isClientDone) => wire.finish(isClientDone),
        fail: (error) => this.#fail(error),
        later: (callback) => void setImmediate(callback),
        backendFailed: (error) => this.#settings.observer.backendFailed(error),
        answered: (request, error) => this.#settings.observer.answered(chosen.entry, request, error),
      },
      chosen,
      this.#settings.policy.limits,
    );
    this.#session = session;
    const { busyPoll } = this.#settings;
    // Requests may have come right behind the choice, and the end of what the client has to say behind them.
    const isUsedUp = session.receive(reader.rest());
    wire.setReceiver({
      receive: (chunk) => {
        busyPoll.heard();
        return session.receive(chunk);
      },
      end: () => session.end(),
    });
    if (isUsedUp) wire.resume();
    if (this.#settings.policy.isClosing()) session.close();
    if (this.#isClosed) session.abort();
  }

  async #open(entry: Export): Promise<Backend | undefined> {
    if (typeof entry.backend !== 'function') return entry.backend;
    try {
      const backend = await entry.backend();
      this.#opened.add(backend);
      checkBackend(entry, backend);
      return backend;
    } catch (error) {
      this.#settings.observer.backendFailed(error);
      return undefined;
    }
  }

  async #closeBackend(backend: Backend): Promise<void> {
    if (!this.#opened.delete(backend)) return;
    try {
      await backend.close?.();
    } catch (error) {
      this.#settings.observer.backendFailed(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#settings.observer.connectionFailed(error);
    this.#wire.destroy();
  }

  async #wireClosed(): Promise<void> {
    this.#isClosed = true;
    this.#session?.abort();
    await this.#session?.idle();
    await this.#closeBackends();
    this.#end();
  }

  async #closeBackends(): Promise<void> {
    for (const backend of this.#opened) await this.#closeBackend(backend);
  }
}
