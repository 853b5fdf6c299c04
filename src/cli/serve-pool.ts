import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionEvent, Counters, type NbdServer } from '../nbd/index.ts';
import { diffIdsOf, type OpenedExport } from './serve-exports.ts';
import type { ServerState } from './serve-metrics.ts';
import type { ServerEvents } from './serve-server.ts';
import type { WorkerOrder, WorkerReport, WorkerSettings } from './serve-worker.ts';

/** How long a process without clients waits for more. */
const IDLE_MILLISECONDS = 5000;

const WORKER = join(import.meta.dirname, 'serve-worker.js');

/**
 * More processes that serve what a server serves, each with connections of its own: a client that reads in bulk keeps its own
 * process busy and no other. They are started when clients come at the same time, and get whole connections.
 */
export class ServePool implements ServerState {
  readonly #settings: WorkerSettings;
  readonly #opened: readonly OpenedExport[];
  readonly #events: ServerEvents;
  #workersMax: number;
  readonly #workers = new Set<Worker>();
  /** What workers have counted that have ended. */
  readonly #past = new Counters();
  #server: NbdServer | undefined;

  /** `workersMax` are started at most. Connections are told to `events` as those of one server. */
  constructor(settings: WorkerSettings, opened: readonly OpenedExport[], events: ServerEvents, workersMax: number) {
    this.#settings = settings;
    this.#opened = opened;
    this.#workersMax = workersMax;
    this.#events = {
      ...events,
      onConnection: (event) => events.onConnection({ ...event, count: this.connectionCount }),
    };
  }

  /** The events that the server of this process is to tell. */
  get events(): ServerEvents {
    return this.#events;
  }

  /** The server of this process, which listens. */
  set server(server: NbdServer) {
    this.#server = server;
  }

  get connectionCount(): number {
    let count = this.#server?.connectionCount ?? 0;
    for (const { open } of this.#workers) count += open;
    return count;
  }

  get counters(): Counters {
    const sum = new Counters();
    for (const each of [this.#server, ...this.#workers]) if (each !== undefined) sum.add(each.counters);
    sum.add(this.#past);
    return sum;
  }

  /** For NbdServer's `takeSocket`: gives a connection to the process that has the fewest. */
  readonly take = (socket: Socket): boolean => {
    const here = this.#server?.connectionCount ?? 0;
    if (here === 0) return false;
    const [idlest] = [...this.#workers].filter(({ isEnding }) => !isEnding).toSorted((a, b) => a.open - b.open);
    const isBusy = idlest === undefined || idlest.open > 0;
    const started = isBusy && this.#workers.size < this.#workersMax ? this.#start() : undefined;
    const worker = started ?? idlest;
    if (worker === undefined || worker.open >= here) return false;
    worker.give(socket, this.#nextId());
    return true;
  };

  /** Ends the workers when what they have in flight is answered. */
  async close(): Promise<void> {
    this.#workersMax = 0;
    await Promise.all([...this.#workers].map(async (worker) => worker.close()));
  }

  #nextId(): number {
    return this.#server === undefined ? 0 : ++this.#server.counters.connections;
  }

  /** One more worker; undefined where there can be none, as when this process is out of descriptors. */
  #start(): Worker | undefined {
    const child = startProcess((error) => this.#events.onConnectionError(error));
    if (child === undefined) return undefined;
    const worker = new Worker(child, this.#settings, this.#events, {
      isSame: (diffIds) => {
        for (const { image } of this.#opened) image.verifyUnchanged();
        return diffIds === diffIdsOf(this.#opened);
      },
      ended: (unserved, wasReady) => {
        this.#workers.delete(worker);
        this.#past.add(worker.counters);
        // One that cannot serve will not the next time either.
        if (!wasReady) this.#workersMax = 0;
        for (const socket of unserved) void this.#server?.serveSocket(socket);
      },
    });
    this.#workers.add(worker);
    return worker;
  }
}

function startProcess(failed: (error: unknown) => void): ChildProcess | undefined {
  try {
    const child = fork(WORKER, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('error', failed);
    return child.pid === undefined ? undefined : child;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** What a worker needs of its pool. */
interface Pool {
  /** Whether a worker has opened what this process has open. Throws `layer-changed`. */
  isSame(diffIds: string): boolean;
  /** The process has ended, with sockets that it has not got. */
  ended(unserved: readonly Socket[], wasReady: boolean): void;
}

/** One more process. */
class Worker {
  readonly #process: ChildProcess;
  readonly #events: ServerEvents;
  readonly #pool: Pool;
  readonly #exited: Promise<void>;
  #isReady = false;
  /** What it was given and has not said to have got, by the numbers of the connections; open here too until then. */
  readonly #given = new Map<number, Socket>();
  /** When its connections were opened, by their numbers. */
  readonly #openedAt = new Map<number, number>();
  #idle: NodeJS.Timeout | undefined;
  /** It was told to end, and gets no more connections. */
  isEnding = false;
  /** Connections that it has or will have. */
  open = 0;
  counters = new Counters();

  constructor(child: ChildProcess, settings: WorkerSettings, events: ServerEvents, pool: Pool) {
    this.#events = events;
    this.#pool = pool;
    this.#process = child;
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => {
        pool.ended([...this.#given.values()], this.#isReady);
        this.#tellClosed();
        resolve();
      });
    });
    this.#process.on('message', (report: WorkerReport) => this.#hear(report));
    this.#tell({ kind: 'settings', settings });
  }

  give(socket: Socket, id: number): void {
    clearTimeout(this.#idle);
    this.open++;
    this.#given.set(id, socket);
    if (this.#isReady) this.#tell({ kind: 'socket', id }, socket);
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    this.isEnding = true;
    if (this.#process.connected) this.#tell({ kind: 'close' });
    await this.#exited;
  }

  /** One connection fewer. Without any for a while, the process ends and its memory is free. */
  #left(): void {
    this.open--;
    if (this.open === 0 && !this.isEnding) this.#idle = setTimeout(() => void this.close(), IDLE_MILLISECONDS);
  }

  #tell(order: WorkerOrder, socket?: Socket): void {
    // Whether it fails because the process is gone is told by its exit.
    this.#process.send(order, socket, { keepOpen: true }, () => {});
  }

  #hear(report: WorkerReport): void {
    switch (report.kind) {
      case 'ready':
        this.#begin(report.diffIds);
        break;
      case 'connection':
        this.#hearConnection(report.event);
        break;
      case 'lost':
        this.#hasGot(report.id);
        this.#left();
        break;
      case 'backend-error':
        this.#events.onBackendError(new Error(report.message));
        break;
      case 'connection-error':
        this.#events.onConnectionError(new Error(report.message));
        break;
      case 'slow':
        this.#events.onSlowRequest(report.request);
        break;
      case 'counters':
        this.counters = Object.assign(new Counters(), report.counters, { connections: 0 });
    }
  }

  #hasGot(id: number): void {
    this.#given.get(id)?.destroy();
    this.#given.delete(id);
  }

  #hearConnection(event: ConnectionEvent): void {
    if (event.kind === 'opened') {
      this.#hasGot(event.id);
      this.#openedAt.set(event.id, performance.now());
    } else {
      this.#openedAt.delete(event.id);
      this.#left();
    }
    this.#events.onConnection(event);
  }

  /** What the process had no time to tell. */
  #tellClosed(): void {
    for (const [id, openedAt] of this.#openedAt) {
      this.#events.onConnection({ kind: 'closed', id, count: 0, milliseconds: performance.now() - openedAt });
    }
  }

  #begin(diffIds: string): void {
    try {
      this.#isReady = this.#pool.isSame(diffIds);
    } catch (error) {
      this.#events.onBackendError(error);
    }
    if (!this.#isReady) {
      this.#process.kill('SIGKILL');
      return;
    }
    for (const [id, socket] of this.#given) this.#tell({ kind: 'socket', id }, socket);
  }
}
