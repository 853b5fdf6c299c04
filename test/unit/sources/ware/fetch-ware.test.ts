import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import { entryPath } from '../../../../src/core/layer/layer-index.ts';
import { parseWareId } from '../../../../src/core/ware/ware-id.ts';
import { openingOf } from '../../../../src/sources/opening.ts';
import { fetchPacked } from '../../../../src/sources/ware/fetch-ware.ts';
import { hurried } from '../../../helpers/registry-pull.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';
import { VECTORS } from '../../../helpers/wares.ts';

const { ware: WARE, entries: ENTRIES } = VECTORS['a tar with its base']!;
const TGZ = gzipSync(makeTar(ENTRIES));
const ID = parseWareId(WARE);

async function serve(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The names in the ware that comes of some warehouses. */
async function fetched(...warehouses: string[]): Promise<string[]> {
  const layer = await fetchPacked(ID, warehouses, openingOf(WARE, { cache: false }), hurried());
  layer.blob.close();
  return Array.from({ length: layer.index.count }, (_, entry) => entryPath(layer.index, entry));
}

const failureOf = async (...warehouses: string[]): Promise<unknown> =>
  fetched(...warehouses).catch((error: unknown) => error);

/** Files without owners, which nothing may leave. */
const temporaryFiles = (): string[] => readdirSync(tmpdir()).filter((name) => /^[\da-f]{32}$/.test(name));

const NAMES = ['', 'ab', 'bc'];

describe('a warehouse on the web', () => {
  it('has a ware at its address, or by its hash', async () => {
    const paths: (string | undefined)[] = [];
    const host = await serve(({ url }, response) => {
      paths.push(url);
      response.end(TGZ);
    });
    const before = temporaryFiles();
    expect(await fetched(`http://${host}/a.tgz?x=y`)).toEqual(NAMES);
    expect(await fetched(`ca+http://${host}/wares/`)).toEqual(NAMES);
    const { hash } = ID;
    expect(paths).toEqual(['/a.tgz?x=y', `/wares/${hash.slice(0, 3)}/${hash.slice(3, 6)}/${hash}`]);
    expect(temporaryFiles()).toEqual(before);
  });

  it('is asked again when it fails or breaks off, from the start', async () => {
    let requests = 0;
    const host = await serve((_request, response) => {
      requests++;
      if (requests === 1) response.writeHead(503).end('busy');
      else if (requests === 2) {
        response.writeHead(200, { 'content-length': TGZ.length }).write(TGZ.subarray(0, 50));
        setTimeout(() => response.destroy(), 10);
      } else response.end(TGZ);
    });
    expect(await fetched(`http://${host}/a`)).toEqual(NAMES);
    expect(requests).toBe(3);
  });

  it('may redirect, but not to other hosts without TLS', async () => {
    const there = await serve((_request, response) => void response.end(TGZ));
    const host = await serve(
      (_request, response) => void response.writeHead(302, { location: `http://${there}/b` }).end(),
    );
    expect(await fetched(`http://${host}/a`)).toEqual(NAMES);
    const away = await serve(
      (_request, response) => void response.writeHead(302, { location: 'http://192.0.2.1/b' }).end(),
    );
    expect(await failureOf(`http://${away}/a`)).toMatchObject({ code: 'warehouse-unavailable' });
  });

  it('may lack it, and the next is asked', async () => {
    const without = await serve((_request, response) => void response.writeHead(404).end());
    const forbidden = await serve((_request, response) => void response.writeHead(403).end());
    const host = await serve((_request, response) => void response.end(TGZ));
    expect(
      await fetched(`http://${without}/`, `http://${forbidden}/`, 'http://127.0.0.1:9/', `http://${host}/`),
    ).toEqual(NAMES);
    expect(await failureOf(`http://${without}/`)).toMatchObject({ code: 'ware-not-found' });
    expect(await failureOf(`http://${forbidden}/`, `http://${without}/`)).toMatchObject({ code: 'ware-not-found' });
    expect(await failureOf(`http://${forbidden}/`)).toMatchObject({ code: 'warehouse-unavailable' });
    expect(await failureOf(`http://${forbidden}/`, 'ca+file:///none')).toMatchObject({ code: 'warehouse-unavailable' });
  });

  it('may send something else, which is no other warehouse to ask', async () => {
    const before = temporaryFiles();
    const host = await serve((_request, response) => void response.end('<html>'));
    const failure = await failureOf(`http://${host}/`, 'ca+file:///none');
    expect(failure).toBeInstanceOf(ImageError);
    expect(failure).toMatchObject({ code: 'layer-unsupported' });
    expect(temporaryFiles()).toEqual(before);
  });
});
