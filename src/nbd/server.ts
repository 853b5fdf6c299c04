import { createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions as NodeTlsOptions } from 'node:tls';
import type { Export } from './backend.ts';
import { Connection, type Observer, type Settings } from './connection.ts';
import { ConnectionFailure, NbdServerError } from './errors.ts';
import { Counters } from './counters.ts';
import { ExportTable } from './export-table.ts';
import { type Limits, limitsWith } from './limits.ts';
import { Command } from './protocol.ts';
import { secureSettings, type TlsOptions } from './tls.ts';
import { wireOf } from './transport/accept.ts';
import type { Request } from './transmission/request.ts';
import { activationDescriptors } from './transport/activation.ts';
import { BusyPoll } from './transport/busy-poll.ts';
import { stdioWire } from './transport/stdio.ts';
import { isLoopback, listenDescriptor, listenTcp, NBD_PORT } from './transport/tcp.ts';
import { listenUnix, privateSocketPath, removeSocket } from './transport/unix-socket.ts';
import type { Wire } from './transport/wire.ts';
import type { Address } from './uri.ts';

const BUSY_POLL_MICROSECONDS = 50;

const SLOW_REQUEST_MILLISECONDS = 1000;

const COMMAND_NAMES = new Map<number, string>(Object.entries(Command).map(([name, value]) => [value, name]));

/** How long the backends of connections that were cut off may still take. */
const LAST_WAIT_MILLISECONDS = 1000;

/** What a server serves, and to whom. */
export interface NbdServerOptions {
  /** At least one; clients that name none get the first, or the one named ''. */
  readonly exports: readonly Export[];
  readonly tls?: TlsOptions;
  readonly limits?: Partial<Limits>;
  /**
   * How long the processor waits for the next request of a client that is alone, instead of sleeping; 50 unless told. What
   * it costs is bounded by that for each request; what it gains is a half to the same again for clients that ask one by one.
   */
  readonly busyPollMicroseconds?: number;
  /** A backend failed, or could not be opened; the client was told without details. */
  readonly onBackendError?: (error: unknown) => void;
  /** A connection was closed for a reason that was not its client's wish; mostly a ConnectionFailure. */
  readonly onConnectionError?: (error: unknown) => void;
  /** A connection was opened or has ended. */
  readonly onConnection?: (event: ConnectionEvent) => void;
  /** A request took `slowRequestMilliseconds` or longer. */
  readonly onSlowRequest?: (request: SlowRequest) => void;
  /** 1000 unless told. */
  readonly slowRequestMilliseconds?: number;
  /** False: structured replies are not offered, nor what needs them (holes, block status, extended headers). */
  readonly structuredReplies?: boolean;
  /**
   * Asked for every connection that a listening socket has accepted, before anything is read or sent. True: the socket has
   * another owner now, for example a process that it was passed to, which serves it with `serveSocket`.
   */
  readonly takeSocket?: (socket: Socket) => boolean;
}

/** A connection was opened, or has ended. */
export interface ConnectionEvent {
  readonly kind: 'opened' | 'closed';
  /** Counts the connections of the server from 1. */
  readonly id: number;
  /** Clients that are connected now. */
  readonly count: number;
  /** How long it was open. */
  readonly milliseconds: number;
}

/** A request that took long. */
export interface SlowRequest {
  readonly exportName: string;
  /** As the protocol names it, without NBD_CMD_. */
  readonly command: string;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  /** From its arrival to its answer. */
  readonly milliseconds: number;
}

/** Where to listen on TCP. */
export interface TcpOptions {
  /** Without it 10809; 0 for any that is free. */
  readonly port?: number;
  /** Without it 127.0.0.1. */
  readonly host?: string;
  /** Also where other machines can connect although TLS is not required. */
  readonly insecure?: boolean;
}

/** A server for network block devices. It serves from the first `listen…` on until `close`. */
export class NbdServer {
  readonly #settings: Settings;
  readonly #options: NbdServerOptions;
  /** What the server has done so far. */
  readonly counters = new Counters();
  readonly #servers = new Set<Server>();
  readonly #connections = new Set<Connection>();
  readonly #cleanups: (() => void)[] = [];
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** Throws NbdServerError `bad-export`, `bad-limit` or `bad-tls`. */
  constructor(options: NbdServerOptions) {
    const { exports, tls, limits, structuredReplies = true } = options;
    const { busyPollMicroseconds = BUSY_POLL_MICROSECONDS } = options;
    const observer: Observer = {
      backendFailed: options.onBackendError ?? (() => {}),
      connectionFailed: options.onConnectionError ?? (() => {}),
      answered: (entry, request, error) => this.#answered(entry, request, error),
    };
    const isAlone = (): boolean => this.#connections.size === 1;
    this.#options = options;
    const nodeTls: NodeTlsOptions | undefined = tls && secureSettings(tls);
    const table = new ExportTable(exports);
    if (tls === undefined && table.hasTlsOnly) throw new NbdServerError('bad-tls', 'an export needs TLS, which is off');
    this.#settings = {
      policy: {
        exports: table,
        tls: tls?.mode ?? 'off',
        limits: limitsWith(limits),
        structuredReplies,
        isClosing: () => this.#closing !== undefined,
      },
      tls: nodeTls,
      observer,
      busyPoll: new BusyPoll(busyPollMicroseconds, isAlone),
      isAlone,
    };
  }

  /**
   * Listens on a unix socket of mode 0600; without a path, on one in a private temporary directory. The file is removed by
   * `close` or when the process exits. Throws NbdServerError `socket-in-use` or `socket-path`.
   */
  async listenUnix(path?: string): Promise<Address & { kind: 'unix' }> {
    const isPrivate = path === undefined;
    const chosen = path ?? privateSocketPath();
    await listenUnix(this.#newServer(), chosen);
    const remove = (): void => removeSocket(chosen, isPrivate);
    process.once('exit', remove);
    this.#cleanups.push(() => {
      process.off('exit', remove);
      remove();
    });
    return { kind: 'unix', path: chosen };
  }

  /** Listens on TCP. Throws NbdServerError `insecure-bind` where strangers could connect without TLS. */
  async listenTcp(options: TcpOptions = {}): Promise<Address & { kind: 'tcp' }> {
    const { port = NBD_PORT, host = '127.0.0.1', insecure = false } = options;
    if (!insecure && this.#settings.policy.tls !== 'require' && !isLoopback(host)) {
      throw new NbdServerError('insecure-bind', `other machines could connect to ${host} without TLS`);
    }
    const server = this.#newServer();
    await listenTcp(server, host, port);
    const bound = server.address();
    return { kind: 'tcp', host, port: typeof bound === 'object' && bound !== null ? bound.port : port };
  }

  /** Listens on the sockets that systemd has passed. Throws NbdServerError `no-activation`. */
  async listenActivated(): Promise<void> {
    for (const fd of activationDescriptors()) await listenDescriptor(this.#newServer(), fd);
  }

  /** Serves the one client at standard input and output; settled when it has gone. */
  async serveStdio(): Promise<void> {
    await this.#serve(stdioWire);
  }

  /** Serves the client at a socket that is connected and was not read from; settled when it has gone. Never rejects. */
  async serveSocket(socket: Socket): Promise<void> {
    await this.#serve((closed) => wireOf(socket, closed));
  }

  /** Clients that are connected. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Stops: no more connections, requests in flight are finished and what comes after them is refused, sockets' files are
   * removed, backends shared by all connections flushed and closed. What is not finished in time is cut off. Throws what a
   * backend failed with, after all have been closed.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    // What asks isClosing must hear of it.
    await Promise.resolve();
    for (const server of this.#servers) server.close();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    for (const connection of this.#connections) connection.close();
    let lastWait: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
      // A backend that never answers does not keep the server from ending.
      lastWait = setTimeout(() => this.#idle?.(), LAST_WAIT_MILLISECONDS);
    }, this.#settings.policy.limits.closeMilliseconds);
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    clearTimeout(timer);
    clearTimeout(lastWait);
    await this.#closeBackends();
  }

  /** Closes all, and then throws what the first could not do. */
  async #closeBackends(): Promise<void> {
    const failures: unknown[] = [];
    for (const { backend } of this.#settings.policy.exports.visible(true)) {
      if (typeof backend === 'function') continue;
      for (const act of [() => backend.flush?.(), () => backend.close?.()]) {
        try {
          await act();
        } catch (error) {
          failures.push(error);
        }
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #newServer(): Server {
    if (this.#closing !== undefined) throw new NbdServerError('closed', 'the server has been closed');
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true });
    // The process may be out of descriptors for a while; connections that are there go on.
    server.on('error', (error) => server.listening && this.#settings.observer.connectionFailed(error));
    server.on('connection', (socket) => {
      if (this.#options.takeSocket?.(socket) !== true) void this.serveSocket(socket);
    });
    this.#servers.add(server);
    return server;
  }

  async #serve(makeWire: (closed: () => void) => Wire): Promise<void> {
    const { limits } = this.#settings.policy;
    const connection = new Connection(this.#settings, makeWire);
    if (this.#closing !== undefined || this.#connections.size >= limits.connectionsMax) {
      const failure = new ConnectionFailure('too-many-connections', `more than ${limits.connectionsMax} connections`);
      if (this.#closing === undefined) this.#settings.observer.connectionFailed(failure);
      connection.destroy();
      return;
    }
    this.#connections.add(connection);
    const id = ++this.counters.connections;
    const openedAt = performance.now();
    this.#tellConnection('opened', id, openedAt);
    await connection.run();
    this.#connections.delete(connection);
    this.#tellConnection('closed', id, openedAt);
    if (this.#connections.size === 0) this.#idle?.();
  }

  #tellConnection(kind: ConnectionEvent['kind'], id: number, openedAt: number): void {
    const milliseconds = performance.now() - openedAt;
    this.#options.onConnection?.({ kind, id, count: this.#connections.size, milliseconds });
  }

  #answered({ name }: Export, { type, offset, length, arrivedAt }: Request, error: number): void {
    const milliseconds = performance.now() - arrivedAt;
    this.counters.count(type, length, error !== 0, milliseconds);
    if (milliseconds < (this.#options.slowRequestMilliseconds ?? SLOW_REQUEST_MILLISECONDS)) return;
    const command = COMMAND_NAMES.get(type) ?? String(type);
    this.#options.onSlowRequest?.({ exportName: name, command, offset, length, milliseconds });
  }
}
