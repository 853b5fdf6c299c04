import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ImageError } from '../core/errors.ts';
import { type Counters, isLoopback } from '../nbd/index.ts';

/** Commands that are counted, by their number in the protocol. */
const COMMANDS = ['read', 'write', 'disconnect', 'flush', 'trim', 'cache', 'write_zeroes', 'block_status'] as const;

/** What a server can tell of itself. */
export interface ServerState {
  readonly counters: Counters;
  /** Clients that are connected. */
  readonly connectionCount: number;
}

/** Counters in the text format of Prometheus, version 0.0.4. */
export function prometheusText({ counters, connectionCount }: ServerState): string {
  const { connections, requests, errors, bytesRead, bytesWritten } = counters;
  const metric = (name: string, type: string, help: string, ...samples: string[]): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map((sample) => `${name}${sample}`),
  ];
  return [
    ...metric('blockloom_connections', 'gauge', 'Clients that are connected.', ` ${connectionCount}`),
    ...metric('blockloom_connections_total', 'counter', 'Connections accepted.', ` ${connections}`),
    ...metric(
      'blockloom_requests_total',
      'counter',
      'Requests answered.',
      ...COMMANDS.map((command, i) => `{command="${command}"} ${requests[i]}`),
    ),
    ...metric('blockloom_request_errors_total', 'counter', 'Requests answered with an error.', ` ${errors}`),
    ...metric('blockloom_read_bytes_total', 'counter', 'Bytes read, holes included.', ` ${bytesRead}`),
    ...metric('blockloom_written_bytes_total', 'counter', 'Bytes written.', ` ${bytesWritten}`),
    ...metric(
      'blockloom_request_duration_seconds',
      'histogram',
      'From the arrival of a request to its answer.',
      ...histogram(counters),
    ),
    ...metric(
      'process_resident_memory_bytes',
      'gauge',
      'Memory that is not swapped out.',
      ` ${process.memoryUsage.rss()}`,
    ),
    '',
  ].join('\n');
}

/** Cumulative buckets, as Prometheus has them. */
function histogram({ latencies, latencySum }: Counters): string[] {
  let total = 0;
  const buckets = Array.from(latencies, (count, i) => {
    total += count;
    return `_bucket{le="${i === latencies.length - 1 ? '+Inf' : 2 ** i / 1e6}"} ${total}`;
  });
  return [...buckets, `_sum ${latencySum / 1000}`, `_count ${total}`];
}

/** The counters for people, in one line. */
export function countersLine({ counters, connectionCount }: ServerState): string {
  const { connections, requests, errors, bytesRead, bytesWritten } = counters;
  const commands = COMMANDS.flatMap((command, i) => (requests[i] === 0 ? [] : [`${requests[i]} ${command}`]));
  const parts = [
    `${connectionCount} of ${connections} connections open`,
    ...commands,
    `${errors} errors`,
    `${bytesRead} bytes read`,
    `${bytesWritten} bytes written`,
  ];
  return parts.join(', ');
}

/** Serves the counters at `/metrics` of `[HOST:]PORT`, for this machine unless `insecure`. Throws `option-invalid`. */
export async function serveMetrics(address: string, insecure: boolean, state: () => ServerState): Promise<Server> {
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new ImageError('option-invalid', `--metrics ${address}: expected [HOST:]PORT`);
  if (!insecure && !isLoopback(host)) {
    throw new ImageError('option-invalid', `--metrics ${address}: other machines could see it; --insecure allows it`);
  }
  // Node.js takes longer to load it than most of the start, and few ask for it.
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const isFound = request.url === '/metrics';
    response.writeHead(isFound ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(isFound ? prometheusText(state()) : 'the counters are at /metrics\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new ImageError('option-invalid', `--metrics ${address}: ${error.message}`, {}, { cause: error }));
    });
    server.listen(Number(port), host, resolve);
  });
  server.unref();
  return server;
}

export function metricsUrl(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`;
}
