import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOfSeed } from '../../golden-images/recipe.ts';
import { Command, Option } from '../../src/nbd/protocol.ts';
import { openImage } from '../../src/image/open-image.ts';
import { bytesOfImage } from '../helpers/image-case.ts';
import { connected, type RawClient, rawClient } from '../helpers/nbd-socket.ts';
import { clientFlags, option, request } from '../helpers/nbd-wire.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { type Served, startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { skipped } from '../helpers/tools.ts';

const MIB = 1 << 20;

/** NBD_EIO and NBD_ESHUTDOWN. */
const [EIO, ESHUTDOWN] = [5, 108];

/** Much more than sockets hold: such a reply is under way for a while. */
const LONG = 16 * MIB;

/** Clients that read nothing. */
const DEAF = 8;

/** A served disk of more than 32 MiB, with the bytes that it must have. */
interface Disk extends Served {
  readonly address: NetConnectOpts;
  readonly bytes: Buffer;
}

async function serveDisk(): Promise<Disk> {
  const folder = scratch();
  writeFileSync(join(folder, 'layer.tar'), makeTar([{ name: 'data', data: bytesOfSeed(1, 33 * MIB) }]));
  const server = await startServe(['layer.tar', '--port', '0', '--threads', '2'], folder);
  const bytes = await imageOf([join(folder, 'layer.tar')]);
  return { ...server, address: addressOf(server), bytes };
}

function addressOf({ uri }: Served): NetConnectOpts {
  return { port: Number(new URL(uri).port) };
}

/** What must be served of layers. */
async function imageOf(layers: readonly string[]): Promise<Buffer> {
  const image = await openImage({ layers, cache: false });
  try {
    return Buffer.from(bytesOfImage(image));
  } finally {
    image.close();
  }
}

/** The processes of a server: the one that listens, and its workers. */
function processesOf({ process }: Served): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return [process.pid ?? 0, ...children.split(' ').filter(Boolean).map(Number)];
}

/** Resident memory of all processes of a server, in MiB. */
function residentMib(server: Served): number {
  const statuses = processesOf(server).map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'));
  return statuses.reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024, 0);
}

/** Open descriptors of all processes of a server, when they have stopped coming and going. */
async function descriptors(server: Served): Promise<number> {
  const count = (): number => processesOf(server).reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
  const last: number[] = [];
  await expect
    .poll(() => last.unshift(count()) >= 5 && new Set(last.slice(0, 5)).size === 1, { timeout: 5000 })
    .toBe(true);
  return last[0] ?? 0;
}

function read(offset: number, length: number, cookie = 1): Buffer {
  return request({ type: Command.READ, cookie, offset, length });
}

/** The data of the next simple reply; throws the number of its error. */
async function dataOf(client: RawClient, length: number): Promise<Buffer> {
  const error = (await client.take(16)).readUInt32BE(4);
  if (error !== 0) throw new Error(`error ${error}`);
  return client.take(length);
}

/** The end of a connection is no error where a reply would begin. */
function endBetweenReplies(error: Error): undefined {
  if (!error.message.startsWith('closed after 0 of')) throw error;
}

/** Reads what `seed` says, piece by piece, and compares. */
async function expectReads({ address, bytes }: Disk, seed: number, count: number): Promise<void> {
  const client = await (await rawClient(address)).go();
  const below = random(seed);
  for (let i = 0; i < count; i++) {
    const offset = below(bytes.length - 1);
    const length = Math.min(1 + below(200_000), bytes.length - offset);
    client.send(read(offset, length));
    const isRight = (await dataOf(client, length)).equals(bytes.subarray(offset, offset + length));
    if (!isRight) throw new Error(`${length} bytes at ${offset} are wrong`);
  }
  client.stream.destroy();
}

/** Several clients read at the same time, so that workers are started. */
async function readAtOnce(disk: Disk, clients: number): Promise<void> {
  await Promise.all(Array.from({ length: clients }, async (_, i) => expectReads(disk, i + 1, 50)));
}

const children = `/proc/${process.pid}/task/${process.pid}/children`;
const noProc = skipped(!existsSync(children), 'memory, descriptors and processes are read from /proc');

describe.skipIf(noProc)('a server among clients that do wrong', () => {
  it.each([
    { style: 'simple', options: [], residentMibMax: DEAF * 32 + 64 },
    { style: 'structured', options: [option(Option.STRUCTURED_REPLY)], residentMibMax: 48 },
  ])('keeps its memory when they ask for 2 GiB each and read nothing ($style replies)', async (way) => {
    const disk = await serveDisk();
    await readAtOnce(disk, 4);
    const before = residentMib(disk);
    const deaf = Array.from({ length: DEAF }, async () => {
      const client = await (await rawClient(disk.address)).go(...way.options);
      client.stream.pause();
      for (let cookie = 1; cookie <= 64; cookie++) client.send(read(0, 32 * MIB, cookie));
    });
    await Promise.all(deaf);
    await expectReads(disk, 2, 50);
    expect(residentMib(disk) - before).toBeLessThan(way.residentMibMax);
  });

  it('goes on when they send garbage', async () => {
    const disk = await serveDisk();
    for (let seed = 1; seed <= 40; seed++) {
      const garbage = bytesOfSeed(seed, 3000);
      const stranger = await rawClient(disk.address);
      stranger.send(clientFlags(seed % 2 === 0 ? 0x100 : 3), garbage);
      await stranger.rest();
      const client = await (await rawClient(disk.address)).go();
      client.send(read(0, 1), garbage);
      await client.rest();
    }
    await expectReads(disk, 3, 50);
    expect(disk.log.length).toBeGreaterThan(40);
    expect(disk.log.join('').length / disk.log.length).toBeLessThan(200);
  });

  it('answers everything to one that has closed its side', async () => {
    const disk = await serveDisk();
    const client = await (await rawClient(disk.address)).go();
    client.stream.end(Buffer.concat([read(0, 32 * MIB, 1), read(5, 7, 2)]));
    expect((await dataOf(client, 32 * MIB)).equals(disk.bytes.subarray(0, 32 * MIB))).toBe(true);
    expect(await dataOf(client, 7)).toEqual(disk.bytes.subarray(5, 12));
    expect(await client.rest()).toHaveLength(0);
    expect(disk.log).toEqual([]);
  });

  it('has no descriptor and no memory left of 1,000 that came and went', async () => {
    const disk = await serveDisk();
    const flood = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        const sockets = await Promise.all(Array.from({ length: 20 }, async () => connected(disk.address)));
        sockets.forEach((socket, i) => {
          if (i % 4 === 1) socket.write(clientFlags());
          if (i % 4 === 2) socket.write(Buffer.alloc(2));
          if (i % 4 === 3) socket.resetAndDestroy();
          else socket.destroy();
        });
      }
      await expectReads(disk, 4, 20);
    };
    await readAtOnce(disk, 4);
    // The heap of a new process grows most with its first connections.
    await flood(60);
    const before = { descriptors: await descriptors(disk), resident: residentMib(disk) };
    await flood(50);
    expect(await descriptors(disk)).toBeLessThanOrEqual(before.descriptors);
    expect(residentMib(disk) - before.resident).toBeLessThan(30);
  });
});

describe('a server whose sources change', () => {
  /** Takes the source of the file `b` of two away, or changes it. */
  const wrongs: Record<string, (path: string) => void> = {
    truncated: (path) => truncateSync(path, 100),
    removed: (path) => rmSync(path),
    replaced: (path) => {
      writeFileSync(`${path}.new`, readFileSync(path));
      renameSync(`${path}.new`, path);
    },
  };

  /** The data that a file has in a built image, served: its first block. */
  async function firstBlock(client: RawClient, disk: Buffer, name: string): Promise<string> {
    client.send(read(disk.indexOf(name.repeat(1000)), 4096));
    return (await dataOf(client, 4096)).toString('latin1', 0, 1);
  }

  async function expectError(layers: readonly string[], source: string, wrong: (path: string) => void): Promise<void> {
    const folder = dirname(source);
    const disk = await imageOf(layers.map((layer) => join(folder, layer)));
    const server = await startServe([...layers, '--no-cache', '--port', '0'], folder);
    const client = await (await rawClient(addressOf(server))).go();
    expect(await firstBlock(client, disk, 'a')).toBe('a');
    expect(await firstBlock(client, disk, 'b')).toBe('b');
    wrong(source);
    // A source is trusted for a moment.
    await expect.poll(async () => firstBlock(client, disk, 'b').catch(String)).toBe(`Error: error ${EIO}`);
    for (let i = 0; i < 10; i++) await expect(firstBlock(client, disk, 'b')).rejects.toThrow(`error ${EIO}`);
    expect(await firstBlock(client, disk, 'a')).toBe('a');
    expect(server.log).toEqual([expect.stringContaining(basename(source))]);
  }

  it.each(Object.entries(wrongs))('serves the other layers when a layer is %s', async (_, wrong) => {
    const folder = scratch();
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), makeTar([{ name, data: name.repeat(100_000) }]));
    await expectError(['a', 'b'], join(folder, 'b'), wrong);
  });

  it.each(Object.entries(wrongs))('serves the other files when a file of a directory is %s', async (_, wrong) => {
    const folder = scratch();
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), name.repeat(100_000));
    await expectError(['.'], join(folder, 'b'), wrong);
  });
});

describe.skipIf(noProc)('a server with many clients', () => {
  it('serves 24 at once', async () => {
    const disk = await serveDisk();
    await readAtOnce(disk, 24);
    const before = await descriptors(disk);
    await readAtOnce(disk, 24);
    expect(await descriptors(disk)).toBeLessThanOrEqual(before);
    expect(disk.log).toEqual([]);
  });

  it('leaves no process behind when it is killed', async () => {
    const disk = await serveDisk();
    for (let i = 0; i < 4; i++) await (await rawClient(disk.address)).go();
    const pids = processesOf(disk);
    expect(pids).toHaveLength(2);
    disk.process.kill('SIGKILL');
    const alive = (): number[] => pids.filter((pid) => existsSync(`/proc/${pid}/exe`));
    await expect.poll(alive, { timeout: 5000 }).toEqual([]);
  });

  it('ends with success when it is told to under load, and cuts no reply', async () => {
    const disk = await serveDisk();
    const clients = await Promise.all(Array.from({ length: 8 }, async () => (await rawClient(disk.address)).go()));
    const whole = clients.map(async (client, i) => {
      let answered = 0;
      for (let cookie = 1; ; cookie++) {
        client.send(read((i + cookie) * 4096, LONG, cookie));
        const reply = await client.take(16).catch(endBetweenReplies);
        if (reply === undefined || reply.readUInt32BE(4) === ESHUTDOWN) return answered;
        expect((await client.take(LONG)).equals(disk.bytes.subarray((i + cookie) * 4096).subarray(0, LONG))).toBe(true);
        if (++answered === 3 && i === 0) disk.process.kill('SIGTERM');
      }
    });
    expect(Math.max(...(await Promise.all(whole)))).toBeGreaterThan(0);
    expect(await disk.ended).toBe(0);
  });
});
