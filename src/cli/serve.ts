import { statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import { type Address, type NbdServer, NbdServerError, nbdUri } from '../nbd/index.ts';
import { toVeritySalt } from '../image/options.ts';
import { layerName } from '../image/layer-hashes.ts';
import type { Layer } from '../sources/layer.ts';
import { referenceOf } from '../sources/layer-input.ts';
import { listen } from '../serve-image.ts';
import { runCaptive } from './captive.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { addImageOptions, described, type ImageArguments, addLayers } from './image-arguments.ts';
import { withProgress } from './common-options.ts';
import type { ProgressLine } from './progress.ts';
import { Ending } from './serve-ending.ts';
import { closeExports, type ExportArguments, exportsOf, type OpenedExport, openExports } from './serve-exports.ts';
import { ServeLog } from './serve-log.ts';
import { countersLine, metricsUrl, serveMetrics, type ServerState } from './serve-metrics.ts';
import { ServePool } from './serve-pool.ts';
import { newServer, type ServerArguments, type ServerEvents } from './serve-server.ts';
import {
  addWritableOptions,
  refuseHashTree,
  servedExports,
  sharesWrites,
  type WritableArguments,
} from './serve-writable.ts';
import { parseCount, parsePort, parseSeconds } from './values.ts';
import { verityJson } from './verity-text.ts';

interface ServeOptions extends ImageArguments, ServerArguments, WritableArguments {
  readonly socket?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly insecure?: boolean;
  readonly stdio?: boolean;
  readonly export?: string;
  readonly pidFile?: string;
  readonly run?: string;
  readonly printUri?: boolean;
  readonly exitWithParent?: boolean;
  readonly exitWhenIdle?: true | number;
  readonly metrics?: string;
  readonly log?: 'text' | 'json';
  readonly threads: number;
}

/** More processes than this have not served faster. */
const THREADS_MAX = 4;

const NOTES: CommandNotes = {
  notes: ['SIGUSR1 prints counters. SIGTERM ends the server when what is in flight is answered.'],
  examples: [
    ['blockloom serve base.tar app.tar --socket disk.sock'],
    [`blockloom serve base.tar --run 'nbdcopy "$uri" disk.img'`, 'a client that the server lives as long as'],
    ['blockloom serve root=base.tar root=app.tar data=data.img --port 10809', 'two exports'],
    ['blockloom serve base.tar --delta work.delta', 'clients may write; commit makes an image of it'],
  ],
};

export function addServe(program: Command, signal: AbortSignal): void {
  const command = program
    .command('serve')
    .description('serve images over NBD, made when they are read; prints the URI when ready');
  addLayers(command, '; or the file of an image; NAME=REFERENCE for several exports, each of the layers of its name')
    .option('--socket <path>', 'listen on a unix socket; default: one in a private temporary directory')
    .option('--port <number>', 'listen on TCP, 0 for any free port', parsePort)
    .option('--bind <address>', 'the address for --port; default: 127.0.0.1')
    .option('--insecure', 'allow other machines to connect without TLS')
    .option('--stdio', 'serve one client at standard input and output')
    .option('--export <name>', 'the name of the export; default: the empty name')
    .option('--no-structured', 'offer no structured replies, and so no holes, block status and extended headers')
    .addOption(new Option('--tls <mode>', 'encryption').choices(['off', 'on', 'require']).default('off'))
    .option('--tls-cert <file>', "the server's certificate chain, PEM")
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-ca <file>', "the authority that clients' certificates must come from, PEM")
    .option('--tls-psk <file>', 'pre-shared keys, a line USER:HEX each')
    .option('--pid-file <file>', "write the process's number to a file when ready")
    .option('--run <command>', 'run a shell command with $uri, $unixsocket, $port and $export, and end with it')
    .option('--print-uri', 'print the URI also with --run')
    .option('--exit-with-parent', 'end when the parent process does')
    .option(
      '--exit-when-idle [seconds]',
      'end when the last client has been gone for so long (default: 0)',
      parseSeconds,
    )
    .addOption(
      new Option('--threads <count>', 'how many processes serve clients that come at the same time')
        .argParser(parseCount)
        .default(Math.min(availableParallelism(), THREADS_MAX), 'one a processor, at most 4'),
    )
    .option('--metrics <address>', 'serve counters to Prometheus at /metrics of [HOST:]PORT')
    .addOption(
      new Option('--log <format>', 'log connections too, as lines of text or JSON on stderr').choices(['text', 'json']),
    )
    .option('--slow <seconds>', 'log requests that take so long', parseSeconds, 1);
  addNotes(addImageOptions(addWritableOptions(command)), NOTES).action(
    async (references: string[], given: ServeOptions) =>
      withProgress(given, async (progress) => {
        const { layers, options } = await described(references, given);
        if (options.writable === true) refuseHashTree(options);
        const exports =
          given.file === undefined ? exportsOf(references, options.export) : [{ name: options.export ?? '', layers }];
        const opened = await openExports(exports, options, signal, progress);
        try {
          await serve(exports, opened, options, signal, progress);
        } finally {
          closeExports(opened);
        }
      }),
  );
}

async function serve(
  exports: readonly ExportArguments[],
  opened: readonly OpenedExport[],
  options: ServeOptions,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<void> {
  const log = new ServeLog(options.log, options.quiet === true);
  const ended = new Ending(options, signal);
  const workersMax = canShare(exports, opened, options) ? options.threads - 1 : 0;
  const lasting = opened.map(({ name, lastingLayers }) => ({ name, layers: lastingLayers }));
  const pool = new ServePool({ exports: lasting, options }, opened, eventsOf(log, ended), workersMax);
  try {
    const served = await servedExports(opened, options, { signal, onProgress: progress.show });
    progress.end();
    for (const { name, verity } of opened) if (verity !== undefined) log.hashTree(name, verity);
    const server = await newServer(served, options, pool.events, pool.take);
    pool.server = server;
    const stopReporting = await reportCounters(pool, options, log);
    try {
      await serveUntil(server, opened, options, ended, signal);
    } finally {
      await Promise.all([server.close(), pool.close()]);
      stopReporting();
    }
  } catch (error) {
    if (error instanceof NbdServerError) throw new ImageError('option-invalid', error.message, {}, { cause: error });
    throw error;
  } finally {
    ended.stop();
  }
}

/** Whether another process can serve the same, without doing again what was done for this one. */
function canShare(
  exports: readonly ExportArguments[],
  opened: readonly OpenedExport[],
  options: ServeOptions,
): boolean {
  if (sharesWrites(options)) return false;
  const isStream = exports.some(({ layers }) => layers.some((input) => !isLasting(referenceOf(input))));
  const isHashed = toVeritySalt(options) !== undefined || options.fsverity !== undefined;
  if (isHashed && (options.cache === false || opened.some(({ layers }) => layers.some(isUnnamed)))) return false;
  const isUnpacked = opened.some(({ layers }) => layers.some(({ diffId }) => diffId !== undefined));
  return !isStream && (options.cache !== false || !isUnpacked);
}

/** Whether nothing is kept of the hashes of its blocks. */
const isUnnamed = (layer: Layer): boolean => layerName(layer) === undefined;

/** Whether a reference is a file or a directory, which can be opened again. */
function isLasting(reference: string): boolean {
  return reference !== '-' && statSync(reference.replace(/^dir:/, ''), { throwIfNoEntry: false })?.isFIFO() !== true;
}

function eventsOf(log: ServeLog, ended: Ending): ServerEvents {
  return {
    onBackendError: (error) => log.error(error),
    onConnectionError: (error) => log.connectionError(error),
    onConnection: (event) => {
      log.connection(event);
      ended.connections(event.count);
    },
    onSlowRequest: (request) => log.slowRequest(request),
  };
}

/** Tells the counters to who asks, by SIGUSR1 or HTTP, until the returned function is called. */
async function reportCounters(state: ServerState, options: ServeOptions, log: ServeLog): Promise<() => void> {
  const print = (): void => log.write('counters', countersLine(state));
  process.on('SIGUSR1', print);
  const { metrics, insecure = false } = options;
  const http = metrics === undefined ? undefined : await serveMetrics(metrics, insecure, () => state);
  if (http !== undefined) log.write('metrics', metricsUrl(http));
  return () => {
    process.off('SIGUSR1', print);
    http?.close();
  };
}

/** Serves at standard input and output, on sockets that were passed, or where the options say, until the end. */
async function serveUntil(
  server: NbdServer,
  exports: readonly OpenedExport[],
  options: ServeOptions,
  ended: Ending,
  signal: AbortSignal,
): Promise<void> {
  if (options.stdio === true) return Promise.race([server.serveStdio(), ended.promise]);
  if (isActivated(options)) {
    await server.listenActivated();
    return ended.promise;
  }
  const address = await listen(server, options);
  await serveAt(address, exports, options, ended, signal);
}

/** Whether sockets were passed to this process and the command line names no other place. */
function isActivated({ socket, port }: ServeOptions): boolean {
  return socket === undefined && port === undefined && process.env['LISTEN_PID'] === String(process.pid);
}

/** Says where the server listens, or runs the captive command, until the end. */
async function serveAt(
  address: Address,
  exports: readonly OpenedExport[],
  options: ServeOptions,
  ended: Ending,
  signal: AbortSignal,
): Promise<void> {
  const { pidFile, run, json, tls, printUri } = options;
  const names = exports.map(({ name }) => name);
  const uris = names.map((name) => nbdUri(address, name, tls !== 'off'));
  const trees = exports.map(({ verity }) => (verity === undefined ? null : verityJson(verity)));
  const [uri = ''] = uris;
  const [exportName = ''] = names;
  try {
    if (pidFile !== undefined) await writeFile(pidFile, `${process.pid}\n`);
    if (run === undefined || printUri === true) {
      console.log(
        json === true
          ? JSON.stringify({ uri, uris, ...(trees.some((tree) => tree !== null) && { verity: trees }) })
          : uris.join('\n'),
      );
    }
    if (run === undefined) return await ended.promise;
    process.exitCode = await runCaptive(run, { address, uri, exportName });
    // A signal that came meanwhile was the command's to heed, and is ours now.
    signal.throwIfAborted();
  } finally {
    if (pidFile !== undefined) await rm(pidFile, { force: true });
  }
}
