import type { Verity } from '../core/verity/parameters.ts';
import type { ConnectionEvent, SlowRequest } from '../nbd/index.ts';
import { verityJson, verityRows } from './verity-text.ts';

/** How many different errors are remembered, so that each is written once. */
const REMEMBERED_MAX = 1000;

/** The log of a server: lines on stderr, as text or as JSON objects with `time`, `event` and `message`. */
export class ServeLog {
  readonly #format: 'text' | 'json' | undefined;
  readonly #quiet: boolean;
  readonly #seen = new Set<string>();

  /** Without a format, in text and without connections. */
  constructor(format: 'text' | 'json' | undefined, quiet: boolean) {
    this.#format = format;
    this.#quiet = quiet;
  }

  /** A failure to read or write an export. One that may come again with every request is written once. */
  error(error: unknown): void {
    const message = messageOf(error);
    if (this.#seen.has(message) || this.#seen.size >= REMEMBERED_MAX) return;
    this.#seen.add(message);
    this.write('error', message);
  }

  /** A connection that was closed for a reason of the server's. */
  connectionError(error: unknown): void {
    this.write('connection', messageOf(error));
  }

  connection({ kind, id, count, milliseconds }: ConnectionEvent): void {
    if (this.#format === undefined) return;
    const after = kind === 'closed' ? ` after ${seconds(milliseconds)} s` : '';
    const fields = { id, count, ...(kind === 'closed' && { milliseconds: Math.round(milliseconds) }) };
    this.write(kind, `connection ${id}${after}, ${count} connected`, fields);
  }

  slowRequest(request: SlowRequest): void {
    const { exportName, command, offset, length, milliseconds } = request;
    const where = exportName === '' ? '' : ` of ${exportName}`;
    const text = `${command} of ${length} bytes at ${offset}${where} took ${seconds(milliseconds)} s`;
    this.write('slow', text, { ...request, milliseconds: Math.round(milliseconds) });
  }

  /** What a client needs to use the hash tree of an export. */
  hashTree(exportName: string, verity: Verity): void {
    const name = exportName === '' ? '' : `${exportName}: `;
    if (this.#format === 'json')
      this.write('verity', `${name}root hash`, { export: exportName, ...verityJson(verity) });
    else for (const [what, value] of verityRows(verity)) this.write('verity', `${name}${what} ${value}`);
  }

  write(event: string, message: string, fields: object = {}): void {
    if (this.#quiet) return;
    const line = { time: new Date().toISOString(), event, message, ...fields };
    console.error(this.#format === 'json' ? JSON.stringify(line) : `blockloom: ${event}: ${message}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
