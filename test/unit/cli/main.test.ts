import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { startBlockloom, writeLayers } from '../../helpers/cli.ts';
import { FakeImage, FakeServer } from '../../helpers/fake-registry.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

let cwd: string;
beforeEach(() => {
  cwd = scratch();
  writeLayers(cwd);
  mkdirSync(join(cwd, 'out'));
});

/** Waits until `condition` holds. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !condition(); await sleep(5)) {
    if (performance.now() > end) throw new Error('waited in vain');
  }
}

/** Sends the signal; how the command ended, what it said, and how long that took in milliseconds. */
async function endWith(child: ChildProcess, signal: 'SIGINT' | 'SIGTERM') {
  const pieces: Buffer[] = [];
  child.stderr!.on('data', (piece: Buffer) => pieces.push(piece));
  const start = performance.now();
  child.kill(signal);
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, stderr: Buffer.concat(pieces).toString(), milliseconds: performance.now() - start };
}

const isEmpty = (folder: string): boolean => readdirSync(join(cwd, folder)).length === 0;

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, expected) => {
  it('ends a build while it writes, soon and with nothing left', async () => {
    const child = startBlockloom(['build', 'base.tar', '-o', 'out/disk.img', '--size', '900G'], { cwd });
    await until(() => !isEmpty('out'));
    await sleep(100);
    const { status, stderr, milliseconds } = await endWith(child, signal);
    expect({ status, stderr }).toEqual({ status: expected, stderr: '' });
    expect(milliseconds).toBeLessThan(30_000);
    expect(readdirSync(join(cwd, 'out'))).toEqual([]);
  });

  it.each([['build', '-o', 'out/disk.img'], ['hash'], ['verify', 'base.tar']])(
    'ends %s while it reads a layer, with nothing left in the cache',
    async (...args) => {
      const child = startBlockloom([...args, '-'], { cwd });
      const staging = '.cache/blockloom/staging';
      child.stdin!.on('error', () => undefined);
      child.stdin!.write(makeTar([{ name: 'file', data: new Uint8Array(1 << 20) }]).subarray(0, 1 << 20));
      await until(() => existsSync(join(cwd, staging)) && !isEmpty(staging));
      const { status, stderr } = await endWith(child, signal);
      expect({ status, stderr }).toEqual({ status: expected, stderr: '' });
      expect([isEmpty(staging), isEmpty('out')]).toEqual([true, true]);
    },
  );

  it('ends a download, soon and with nothing left', async () => {
    const image = new FakeImage([makeTar([{ name: 'file', data: randomBytes(1 << 20).toString('latin1') }])]);
    const registry = await FakeServer.start((request, response, asUsual) => {
      if (request.url?.endsWith(image.layerDigest) !== true) return image.answer(request, response, asUsual);
      response.writeHead(200).write(image.blobs.get(image.layerDigest)!.subarray(0, 1 << 19));
    });
    const reference = `docker://127.0.0.1:${registry.port}/test/image`;
    const child = startBlockloom(['build', reference, '-o', 'out/disk.img'], { cwd });
    const staging = '.cache/blockloom/staging';
    await until(() => existsSync(join(cwd, staging)) && !isEmpty(staging));
    const { status, stderr, milliseconds } = await endWith(child, signal);
    expect({ status, stderr }).toEqual({ status: expected, stderr: '' });
    expect(milliseconds).toBeLessThan(20_000);
    expect([isEmpty('out'), isEmpty(staging)]).toEqual([true, true]);
  });
});
