import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { countersLine, prometheusText, serveMetrics } from '../../../src/cli/serve-metrics.ts';
import { Counters } from '../../../src/nbd/counters.ts';

function state(): { counters: Counters; connectionCount: number } {
  const counters = new Counters();
  counters.connections = 3;
  counters.count(0, 4096, false, 0.5);
  counters.count(0, 4096, false, 2000);
  counters.count(1, 512, true, 0.001);
  return { counters, connectionCount: 1 };
}

describe('the counters of a server', () => {
  it('are what Prometheus reads', () => {
    const samples = new Map<string, number>();
    for (const line of prometheusText(state()).trimEnd().split('\n')) {
      if (line.startsWith('#')) continue;
      const [, name, value] = /^([a-z_]+(?:\{[a-z]+="[^"]*"\})?) (\S+)$/.exec(line) ?? [];
      expect(name, line).toBeDefined();
      samples.set(name ?? '', Number(value));
    }
    expect(Object.fromEntries(samples)).toMatchObject({
      blockloom_connections: 1,
      blockloom_connections_total: 3,
      'blockloom_requests_total{command="read"}': 2,
      'blockloom_requests_total{command="write"}': 1,
      blockloom_request_errors_total: 1,
      blockloom_read_bytes_total: 8192,
      blockloom_written_bytes_total: 0,
      'blockloom_request_duration_seconds_bucket{le="0.000001"}': 1,
      'blockloom_request_duration_seconds_bucket{le="0.000256"}': 1,
      'blockloom_request_duration_seconds_bucket{le="0.000512"}': 2,
      'blockloom_request_duration_seconds_bucket{le="+Inf"}': 3,
      blockloom_request_duration_seconds_count: 3,
      blockloom_request_duration_seconds_sum: 2.000501,
    });
  });

  it('are one line for people', () => {
    expect(countersLine(state())).toBe(
      '1 of 3 connections open, 2 read, 1 write, 1 errors, 8192 bytes read, 0 bytes written',
    );
  });

  it('are served at /metrics alone', async () => {
    const server = await serveMetrics('127.0.0.1:0', false, state);
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const status = async (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get({ port, path }, (response) => resolve(response.resume().statusCode)).on('error', reject);
      });
    expect(await status('/metrics')).toBe(200);
    expect(await status('/')).toBe(404);
  });

  it('are kept from other machines unless told, and from addresses that are none', async () => {
    await expect(serveMetrics('0.0.0.0:0', false, state)).rejects.toMatchObject({ code: 'option-invalid' });
    await expect(serveMetrics('localhost', false, state)).rejects.toMatchObject({ code: 'option-invalid' });
    await expect(serveMetrics('127.0.0.1:99999', false, state)).rejects.toMatchObject({ code: 'option-invalid' });
  });
});
