import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { statusOfRio } from '../../src/cli/rio-status.ts';
import { ImageError } from '../../src/core/errors.ts';
import { parseWareId } from '../../src/core/ware/ware-id.ts';
import { openingOf } from '../../src/sources/opening.ts';
import { fetchPacked } from '../../src/sources/ware/fetch-ware.ts';
import { random } from '../helpers/random.ts';
import { hurried } from '../helpers/registry-pull.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { VECTORS } from '../helpers/wares.ts';

const { ware: WARE, entries: ENTRIES } = VECTORS['a tar with its base']!;
const TGZ = gzipSync(makeTar(ENTRIES));
/** More than any ware of this test has. */
const BYTES_MAX = 2 ** 20;
/** What a warehouse that stalls takes away from the test, and one that does not never reaches on a machine that is not overrun. */
const STALL_MILLISECONDS = 200;

type Next = (below: number) => number;
const oneOf = <T>(next: Next, ...values: readonly T[]): T => values[next(values.length)]!;

function headOf(next: Next, length: number): string {
  const status = oneOf(
    next,
    '200 OK',
    '200 OK',
    '200 OK',
    '206 Part',
    '204 None',
    '302 Found',
    '404 No',
    '500 No',
    '999',
    'x',
  );
  const more = [
    oneOf(next, '', '', 'Content-Encoding: gzip', 'X: \x01', 'no colon', `X: ${'x'.repeat(100_000)}`),
    oneOf(next, '', 'Location: /again', 'Location: http://192.0.2.1/', 'Location: ::', 'Location: file:///etc/passwd'),
    oneOf(
      next,
      '',
      `Content-Length: ${length}`,
      `Content-Length: ${length}`,
      `Content-Length: ${length + next(2000)}`,
      `Content-Length: ${next(length + 1)}`,
      'Content-Length: 999999999999999999999',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
    ),
  ];
  return ['HTTP/1.1 ' + status, ...more.filter((line) => line !== ''), 'Connection: close', '', ''].join('\r\n');
}

function bodyOf(next: Next): Uint8Array {
  const damaged = Uint8Array.from(TGZ);
  damaged[next(damaged.length)] = next(256);
  return oneOf(next, TGZ, TGZ, TGZ.subarray(0, next(TGZ.length)), damaged, new Uint8Array(0), Buffer.from('<html>'));
}

/** Answers in some way, most of them wrong. */
function misbehave(socket: Socket, next: Next): void {
  const body = bodyOf(next);
  socket.write(headOf(next, body.length));
  const end = oneOf(next, 'end', 'end', 'break', 'stall', 'flood');
  if (end === 'flood') {
    const flood = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'x')));
    };
    socket.on('drain', flood);
    flood();
    return;
  }
  socket.write(body);
  if (end === 'end') socket.end();
  if (end === 'break') socket.resetAndDestroy();
}

describe('warehouses on the web that misbehave', () => {
  it('give a ware or one failure of a kind that rio has, and leave nothing behind', { timeout: 120_000 }, async () => {
    const next = random(1_433_013_083);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => misbehave(socket, next));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ware`;
    const opening = { ...openingOf(WARE, { cache: false }), layerBytesMax: BYTES_MAX };
    const temporary = scratch();
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const failures: unknown[] = [];
    for (let i = 0; i < 60; i++) {
      const failure: unknown = await fetchPacked(
        parseWareId(WARE),
        [address],
        opening,
        hurried(STALL_MILLISECONDS),
      ).then(
        ({ blob }) => blob.close(),
        (error: unknown) => error,
      );
      if (failure !== undefined) failures.push(failure);
    }
    expect(failures.filter((failure) => !(failure instanceof ImageError) || failure.message.includes('\n'))).toEqual(
      [],
    );
    // Unavailable, not found, corrupt.
    expect(failures.filter((failure) => ![3, 5, 6].includes(statusOfRio(failure)))).toEqual([]);
    expect(failures.length).toBeGreaterThan(10);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
