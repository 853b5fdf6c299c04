import { readFile, rm, writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import { NbdServerError, parsePskFile, type TlsOptions } from '../nbd/index.ts';
import {
  type ImageServer,
  serveImage,
  serveImageActivated,
  serveImageOnStdio,
  type ServeImageOptions,
} from '../serve-image.ts';
import { runCaptive } from './captive.ts';
import { addImageOptions, type ImageArguments, layersArgument, type OpenedWork, withImage } from './image-arguments.ts';
import { ServeLog } from './serve-log.ts';
import { parsePort, parseSeconds } from './values.ts';

interface ServeOptions extends ImageArguments {
  readonly socket?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly insecure?: boolean;
  readonly stdio?: boolean;
  readonly export: string;
  readonly tls: 'off' | 'on' | 'require';
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsPsk?: string;
  readonly pidFile?: string;
  readonly run?: string;
  readonly exitWithParent?: boolean;
  readonly exitWhenIdle?: true | number;
  readonly log: 'text' | 'json';
}

/** How often the parent is looked for, in milliseconds. */
const PARENT_INTERVAL = 250;

export function addServe(program: Command, signal: AbortSignal): void {
  const command = program
    .command('serve')
    .description('serve the image of layers over NBD, read-only, without writing it; prints the URI when ready')
    .argument(...layersArgument)
    .option('--socket <path>', 'listen on a unix socket; default: one in a private temporary directory')
    .option('--port <number>', 'listen on TCP, 0 for any free port', parsePort)
    .option('--bind <address>', 'the address for --port; default: 127.0.0.1')
    .option('--insecure', 'allow other machines to connect without TLS')
    .option('--stdio', 'serve one client at standard input and output')
    .option('--export <name>', 'the name of the export', '')
    .addOption(new Option('--tls <mode>', 'encryption').choices(['off', 'on', 'require']).default('off'))
    .option('--tls-cert <file>', "the server's certificate chain, PEM")
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-ca <file>', "the authority that clients' certificates must come from, PEM")
    .option('--tls-psk <file>', 'pre-shared keys, a line USER:HEX each')
    .option('--pid-file <file>', "write the process's number to a file when ready")
    .option('--run <command>', 'run a shell command with $uri, $unixsocket, $port and $export, and end with it')
    .option('--exit-with-parent', 'end when the parent process does')
    .option(
      '--exit-when-idle [seconds]',
      'end when the last client has been gone for so long (default: 0)',
      parseSeconds,
    )
    .addOption(
      new Option('--log <format>', 'how the log on stderr is written').choices(['text', 'json']).default('text'),
    );
  addImageOptions(command).action(async (layers: string[], options: ServeOptions) =>
    withImage(layers, options, signal, 'serving', async (opened) => serve(opened, options, signal)),
  );
}

async function serve({ image, print }: OpenedWork, options: ServeOptions, signal: AbortSignal): Promise<void> {
  const log = new ServeLog(options.log, options.quiet === true);
  const ended = new Ending(options, signal);
  const serveOptions: ServeImageOptions = {
    ...options,
    exportName: options.export,
    tls: await tlsOptions(options),
    onReadError: (error) => log.once('error', error),
    onConnectionError: (error) => log.write('connection', error),
    onConnectionCount: (count) => ended.connections(count),
  };
  try {
    if (options.stdio === true) await serveImageOnStdio(image, serveOptions);
    else if (isActivated(options)) {
      const server = await serveImageActivated(image, serveOptions);
      await ended.promise;
      await server.close();
    } else await listen(await serveImage(image, serveOptions), options, ended, signal, print);
  } catch (error) {
    if (error instanceof NbdServerError) throw new ImageError('option-invalid', error.message, {}, { cause: error });
    throw error;
  } finally {
    ended.stop();
  }
}

/** Whether sockets were passed to this process and the command line names no other place. */
function isActivated({ socket, port }: ServeOptions): boolean {
  return socket === undefined && port === undefined && process.env['LISTEN_PID'] === String(process.pid);
}

/** Says where the server listens, or runs the captive command, until the end; then stops the server. */
async function listen(
  server: ImageServer,
  options: ServeOptions,
  ended: Ending,
  signal: AbortSignal,
  print: OpenedWork['print'],
): Promise<void> {
  const { pidFile, run, json, export: exportName } = options;
  try {
    if (pidFile !== undefined) await writeFile(pidFile, `${process.pid}\n`);
    if (run !== undefined) process.exitCode = await runUntil(run, server, exportName, signal);
    else {
      print(json === true ? JSON.stringify({ uri: server.uri }) : server.uri);
      await ended.promise;
    }
  } finally {
    await server.close();
    if (pidFile !== undefined) await rm(pidFile, { force: true });
  }
}

/** Runs a captive command; a signal that comes meanwhile is the command's to heed, then ours. */
async function runUntil(
  command: string,
  server: ImageServer,
  exportName: string,
  signal: AbortSignal,
): Promise<number> {
  const status = await runCaptive(command, server, exportName);
  signal.throwIfAborted();
  return status;
}

/** Settles when the server is to end: by a signal, with its parent, or when nobody needs it. */
class Ending {
  readonly promise: Promise<void>;
  readonly #idleMilliseconds: number | undefined;
  #end: () => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;
  #parent: NodeJS.Timeout | undefined;

  constructor({ exitWhenIdle, exitWithParent }: ServeOptions, signal: AbortSignal) {
    this.promise = new Promise((resolve) => {
      this.#end = resolve;
    });
    signal.addEventListener('abort', () => this.#end());
    this.#idleMilliseconds = exitWhenIdle === undefined ? undefined : exitWhenIdle === true ? 0 : exitWhenIdle * 1000;
    if (exitWithParent !== true) return;
    const parent = process.ppid;
    this.#parent = setInterval(() => {
      if (process.ppid !== parent) this.#end();
    }, PARENT_INTERVAL);
  }

  connections(count: number): void {
    clearTimeout(this.#idle);
    if (count === 0 && this.#idleMilliseconds !== undefined) this.#idle = setTimeout(this.#end, this.#idleMilliseconds);
  }

  stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#parent);
  }
}

async function tlsOptions({ tls, tlsCert, tlsKey, tlsCa, tlsPsk }: ServeOptions): Promise<TlsOptions | undefined> {
  if (tls === 'off') return undefined;
  const [cert, key, ca, psk] = await Promise.all([tlsCert, tlsKey, tlsCa, tlsPsk].map(readKey));
  return {
    mode: tls,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
    ...(psk !== undefined && { psk: parsePskFile(psk) }),
  };
}

async function readKey(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new ImageError('option-invalid', `cannot read ${path}: ${(error as Error).message}`, {}, { cause: error });
  });
}
