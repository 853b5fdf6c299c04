import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { parseWareId } from '../../../../src/core/ware/ware-id.ts';
import { openWare } from '../../../../src/sources/ware/open-fileset.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';
import { VECTORS } from '../../../helpers/wares.ts';

it('a ware from the web is fetched once, and again when the cache has lost it', async () => {
  const { ware, entries } = VECTORS['a tar with its base']!;
  const other = parseWareId(VECTORS['a packed directory']!.ware);
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end(gzipSync(makeTar(entries)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const warehouse = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  const cache = scratch();
  const open = async (): Promise<number> => {
    const fileset = await openWare(parseWareId(ware), [warehouse], { cache });
    fileset.close();
    return requests;
  };
  await expect(openWare(other, [warehouse], { cache })).rejects.toThrow(/was asked for/);
  expect(await open()).toBe(2);
  expect(await open()).toBe(2);
  await expect(openWare(other, [warehouse], { cache })).rejects.toThrow(/was asked for/);
  rmSync(join(cache, 'blobs'), { recursive: true });
  expect(await open()).toBe(4);
});
