import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { FakeImage, type Intercept, sha256 } from '../helpers/fake-registry.ts';
import { random } from '../helpers/random.ts';
import { hurried, pull, registryOf } from '../helpers/registry-pull.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const SEED = 20100102;
const ROUNDS = 200;

const TAR = makeTar([{ name: 'file', data: randomBytes(200_000).toString('latin1') }]);

type Fault = (request: IncomingMessage, response: ServerResponse, next: (below: number) => number) => void;

const STATUSES = [100, 201, 204, 206, 301, 304, 307, 400, 401, 403, 404, 408, 416, 418, 429, 500, 501, 503, 599];
const TEXTS = [
  '',
  '{',
  '[]',
  'null',
  '{"errors":5}',
  '{"errors":[{"code":{},"message":"\\u0000\\n"}]}',
  '<html>',
  '\u0000\u001b[2J',
];
const HEADERS: readonly (readonly [string, string])[] = [
  ['location', ''],
  ['location', '//[::'],
  ['location', '/v2/test/image/manifests/latest'],
  ['location', 'javascript:alert(1)'],
  ['www-authenticate', 'Bearer'],
  ['www-authenticate', 'Bearer realm="'],
  ['www-authenticate', 'Basic, Bearer realm="http://127.0.0.1:1/token"'],
  ['retry-after', '-1'],
  ['retry-after', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['content-range', 'bytes 0-0/1'],
  ['content-range', 'bytes 99999999999999999999-1/0'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br, x'],
  ['content-type', 'text/html'],
];

const FAULTS: readonly Fault[] = [
  (_request, response, next) => {
    const [name, value] = HEADERS[next(HEADERS.length)]!;
    response.setHeader(name, value);
    response.writeHead(STATUSES[next(STATUSES.length)]!).end(TEXTS[next(TEXTS.length)]);
  },
  (_request, response) => response.destroy(),
  (_request, response, next) => {
    response.writeHead(200, { 'content-length': next(1000) + 1 }).write('x', () => response.destroy());
  },
  (_request, response, next) => response.socket?.end(randomBytes(next(500))),
  (_request, response) => response.socket?.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
  (_request, response) => response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
  (_request, response) =>
    response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef'),
  (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip'),
];

/** Answers some requests wrongly, in one of many ways. */
function faulty(image: FakeImage, next: (below: number) => number): Intercept {
  const odds = 1 + next(6);
  return (request, response, asUsual) => {
    if (next(odds) > 0) return asUsual();
    const kind = next(FAULTS.length + 1);
    if (kind < FAULTS.length) return FAULTS[kind]!(request, response, next);
    // The right answer, with a byte that is not.
    const name = request.url?.split('/').at(-1) ?? '';
    const bytes = Buffer.from(image.blobs.get(name) ?? image.manifests.get(name)?.bytes ?? '');
    if (bytes.length > 0) bytes[next(bytes.length)]! ^= 1 << next(8);
    response.end(bytes);
  };
}

describe('a registry that answers at random', () => {
  it('ends in the right layers, or in one error', async () => {
    const next = random(SEED);
    const outcomes = { right: 0, wrong: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const image = new FakeImage([TAR]);
      const registry = await registryOf({ image, intercept: faulty(image, next) });
      const outcome = await pull(registry, { timing: hurried(5000) }).then(
        (diffIds) => (diffIds[0] === sha256(TAR) ? 'right' : 'wrong') as keyof typeof outcomes,
        (error: unknown) => {
          if (!(error instanceof ImageError)) throw error;
          expect(error.message).toMatch(/^[\x20-\x7e\u00a0-\uffff]+$/);
          return 'refused' as const;
        },
      );
      outcomes[outcome]++;
      registry.stop();
    }
    expect(outcomes.wrong).toBe(0);
    expect(outcomes.right).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });
});
