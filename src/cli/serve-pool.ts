import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Counters, type NbdServer } from '../nbd/index.ts';
import { diffIdsOf, type OpenedExport } from './serve-exports.ts';
import type { ServerState } from './serve-metrics.ts';
import type { ServerEvents } from './serve-server.ts';
import type { WorkerOrder, WorkerReport, WorkerSettings } from './serve-worker.ts';

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
    const [idlest] = [...this.#workers].toSorted((a, b) => a.open - b.open);
    const isBusy = idlest === undefined || idlest.open > 0;
    const worker = isBusy && this.#workers.size < this.#workersMax ? this.#start() : idlest;
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

  #start(): Worker {
    const worker = new Worker(this.#settings, this.#events, {
      isSame: (diffIds) => {
        for (const { image } of this.#opened) image.verifyUnchanged();
        return diffIds === diffIdsOf(this.#opened);
      },
      ended: (unserved) => {
        this.#workers.delete(worker);
        this.#past.add(worker.counters);
        // One that cannot serve will not the next time either.
        if (unserved.length > 0) this.#workersMax = 0;
        for (const socket of unserved) void this.#server?.serveSocket(socket);
      },
    });
    this.#workers.add(worker);
    return worker;
  }
}

/** What a worker needs of its pool. */
interface Pool {
  /** Whether a worker has opened what this process has open. Throws `layer-changed`. */
  isSame(diffIds: string): boolean;
  /** The process has ended, with sockets that it was given too early. */
  ended(unserved: readonly Socket[]): void;
}

/** One more process. */
class Worker {
  readonly #process: ChildProcess;
  readonly #events: ServerEvents;
  readonly #pool: Pool;
  readonly #exited: Promise<void>;
  #isReady = false;
  #waiting: { socket: Socket; id: number }[] = [];
  /** Connections that it has or will have. */
  open = 0;
  counters = new Counters();

  constructor(settings: WorkerSettings, events: ServerEvents, pool: Pool) {
    this.#events = events;
    this.#pool = pool;
    this.#process = fork(WORKER, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => {
        pool.ended(this.#waiting.map(({ socket }) => socket));
        resolve();
      });
    });
    this.#process.on('error', (error) => events.onConnectionError(error));
    this.#process.on('message', (report: WorkerReport) => this.#hear(report));
    this.#tell({ kind: 'settings', settings });
  }

  give(socket: Socket, id: number): void {
    this.open++;
    if (this.#isReady) this.#tell({ kind: 'socket', id }, socket);
    else this.#waiting.push({ socket, id });
  }

  async close(): Promise<void> {
    if (this.#process.connected) this.#tell({ kind: 'close' });
    await this.#exited;
  }

  #tell(order: WorkerOrder, socket?: Socket): void {
    // Whether it fails because the process is gone is told by its exit.
    this.#process.send(order, socket, {}, () => {});
  }

  #hear(report: WorkerReport): void {
    switch (report.kind) {
      case 'ready':
        this.#begin(report.diffIds);
        break;
      case 'connection':
        if (report.event.kind === 'closed') this.open--;
        this.#events.onConnection(report.event);
        break;
      case 'lost':
        this.open--;
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
    for (const { socket, id } of this.#waiting.splice(0)) this.#tell({ kind: 'socket', id }, socket);
  }
}
