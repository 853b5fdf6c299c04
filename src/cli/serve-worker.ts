import type { Socket } from 'node:net';
import type { ConnectionEvent, Counters, NbdServer, SlowRequest } from '../nbd/index.ts';
import type { ImageArguments } from './image-arguments.ts';
import { ProgressLine } from './progress.ts';
import { diffIdsOf, type ExportArguments, openExports } from './serve-exports.ts';
import { newServer, type ServerArguments } from './serve-server.ts';
import { servedExports, type WritableArguments } from './serve-writable.ts';

/** What a worker is to serve. */
export interface WorkerSettings {
  readonly exports: readonly ExportArguments[];
  readonly options: ImageArguments & ServerArguments & WritableArguments;
}

/** What a worker is told: first its settings, then sockets, one with each `socket` and its number, and at last to stop. */
export type WorkerOrder =
  | { readonly kind: 'settings'; readonly settings: WorkerSettings }
  | { readonly kind: 'socket'; readonly id: number }
  | { readonly kind: 'close' };

/** What a worker tells the process that started it. */
export type WorkerReport =
  /** It serves; `diffIds` as `diffIdsOf` has them. */
  | { readonly kind: 'ready'; readonly diffIds: string }
  | { readonly kind: 'connection'; readonly event: ConnectionEvent }
  /** A socket was closed on its way here. */
  | { readonly kind: 'lost'; readonly id: number }
  | { readonly kind: 'backend-error' | 'connection-error'; readonly message: string }
  | { readonly kind: 'slow'; readonly request: SlowRequest }
  /** How it counts, now and then. */
  | { readonly kind: 'counters'; readonly counters: Counters };

/** How often the counters are told, in milliseconds. */
const COUNTERS_INTERVAL = 1000;

/**
 * One of several processes that serve the same exports, so that the clients of one do not wait for those of another. The
 * process that listens passes sockets on to it, and tells it when to end.
 */
async function work(
  { exports, options }: WorkerSettings,
  ids: readonly number[],
  signal: AbortSignal,
): Promise<NbdServer> {
  const opened = await openExports(exports, options, signal, new ProgressLine('none'));
  const server = await newServer(await servedExports(opened, options, { signal }), options, {
    onBackendError: (error) => report({ kind: 'backend-error', message: messageOf(error) }),
    onConnectionError: (error) => report({ kind: 'connection-error', message: messageOf(error) }),
    onConnection: (event) => {
      tellCounters();
      report({ kind: 'connection', event: { ...event, id: ids[event.id - 1] ?? 0 } });
    },
    onSlowRequest: (request) => report({ kind: 'slow', request }),
  });
  report({ kind: 'ready', diffIds: diffIdsOf(opened) });
  return server;
}

function report(message: WorkerReport): void {
  // Whether it fails because the other process is gone is told by `disconnect`.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The numbers of connections, in the order in which the server here counts them. */
const ids: number[] = [];
const ending = new AbortController();
let server: NbdServer | undefined;

async function obey(order: WorkerOrder, socket?: Socket): Promise<void> {
  if (order.kind === 'settings') {
    server = await work(order.settings, ids, ending.signal);
    setInterval(tellCounters, COUNTERS_INTERVAL).unref();
  } else if (order.kind === 'socket') {
    if (socket === undefined) return report({ kind: 'lost', id: order.id });
    ids.push(order.id);
    await server?.serveSocket(socket);
  } else {
    ending.abort();
    await server?.close();
    tellCounters();
    process.disconnect();
  }
}

function tellCounters(): void {
  if (server !== undefined) report({ kind: 'counters', counters: server.counters });
}

process.on('message', (order: WorkerOrder, socket?: Socket) => {
  obey(order, socket).catch((error: unknown) => {
    report({ kind: 'backend-error', message: messageOf(error) });
    process.exitCode = 1;
    process.disconnect();
  });
});
// Whoever has listened is gone, and so is everybody who could pass sockets.
process.on('disconnect', () => process.exit());
// The process that listens heeds signals for all of them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});
