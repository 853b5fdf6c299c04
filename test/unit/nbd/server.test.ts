import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Backend } from '../../../src/nbd/backend.ts';
import { bufferBackend } from '../../../src/nbd/backends/buffer-backend.ts';
import { Command, Option, Reply } from '../../../src/nbd/protocol.ts';
import { NbdServer, type NbdServerOptions } from '../../../src/nbd/server.ts';
import { connected, eventually, rawClient, startServer } from '../../helpers/nbd-socket.ts';
import { clientFlags, infoData, MessageParser, option, optionReplies, request } from '../../helpers/nbd-wire.ts';
import { scratch } from '../../helpers/scratch.ts';

const content = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 9)) & 0xff));
const disk = { name: 'disk', backend: bufferBackend(content) };
const writable = { name: 'disk', backend: bufferBackend(Buffer.from(content), { writable: true }) };

const READ = request({ type: Command.READ, offset: 5000, length: 100 });

async function reads(path: string): Promise<boolean> {
  const client = await (await rawClient(path)).go();
  client.send(READ);
  const reply = await client.take(116);
  client.send(request({ type: Command.DISC }));
  return (await client.rest()).length === 0 && reply.subarray(16).equals(content.subarray(5000, 5100));
}

/** A server that notes why connections ended. */
async function noting(options: Partial<NbdServerOptions> = {}) {
  const failures: string[] = [];
  const onConnectionError = (error: unknown): void => void failures.push((error as { code?: string }).code ?? '?');
  return { failures, ...(await startServer({ exports: [disk], onConnectionError, ...options })) };
}

describe('a unix socket', () => {
  it('is for its owner only, and removed in the end', async () => {
    const path = join(scratch(), 's');
    const server = new NbdServer({ exports: [disk] });
    expect(await server.listenUnix(path)).toEqual({ kind: 'unix', path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await reads(path)).toBe(true);
    await server.close();
    expect(existsSync(path)).toBe(false);
    await expect(server.listenUnix(path)).rejects.toMatchObject({ code: 'closed' });
  });

  it('is private in a directory that goes with it when no path is given', async () => {
    const server = new NbdServer({ exports: [disk] });
    const { path } = await server.listenUnix();
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    await server.close();
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  it('replaces one that nothing answers on, and none that something does', async () => {
    const path = join(scratch(), 's');
    const first = new NbdServer({ exports: [disk] });
    await first.listenUnix(path);
    const second = new NbdServer({ exports: [disk] });
    await expect(second.listenUnix(path)).rejects.toMatchObject({ code: 'socket-in-use' });
    expect(await reads(path)).toBe(true);
    await first.close();
    // A server that is killed leaves its socket behind.
    const killed = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, ['-e', killed]);
    expect(existsSync(path)).toBe(true);
    await second.listenUnix(path);
    expect(await reads(path)).toBe(true);
    await second.close();
  });

  it('leaves files alone, and refuses a path that would be cut off', async () => {
    const path = join(scratch(), 's');
    writeFileSync(path, 'precious');
    const server = new NbdServer({ exports: [disk] });
    await expect(server.listenUnix(path)).rejects.toMatchObject({ code: 'socket-path' });
    await expect(server.listenUnix(`/tmp/${'x'.repeat(103)}`)).rejects.toMatchObject({ code: 'socket-path' });
    await expect(server.listenUnix('')).rejects.toMatchObject({ code: 'socket-path' });
    await expect(server.listenUnix(join(path, 'none', 's'))).rejects.toThrow('there is no directory for');
    expect(statSync(path).size).toBe(8);
  });
});

describe('TCP', () => {
  it('serves on this machine, and elsewhere only when told that it is insecure', async () => {
    const server = new NbdServer({ exports: [disk] });
    onTestFinished(() => server.close());
    const address = await server.listenTcp({ port: 0 });
    expect(address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
    const client = await (await rawClient({ port: address.port, host: '127.0.0.1' })).go();
    client.send(READ);
    expect((await client.take(116)).subarray(16)).toEqual(content.subarray(5000, 5100));
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      await expect(server.listenTcp({ port: 0, host })).rejects.toMatchObject({ code: 'insecure-bind' });
    }
    await server.listenTcp({ port: 0, host: '0.0.0.0', insecure: true });
  });

  it('lives through connections that are reset', async () => {
    const server = new NbdServer({ exports: [disk] });
    onTestFinished(() => server.close());
    const { port } = await server.listenTcp({ port: 0 });
    for (let i = 0; i < 20; i++) {
      const socket = await connected({ port, host: '127.0.0.1' });
      if (i % 2 === 0) socket.write(Buffer.concat([clientFlags(), option(Option.GO, infoData('')), READ, READ]));
      socket.resetAndDestroy();
    }
    await eventually(() => server.connectionCount === 0);
    const client = await (await rawClient({ port, host: '127.0.0.1' })).go();
    client.send(READ);
    expect(await client.take(116)).toHaveLength(116);
  });
});

describe('a slow client', () => {
  it('may say a few bytes at a time', async () => {
    const { path } = await noting();
    const client = await rawClient(path);
    const said = Buffer.concat([clientFlags(), option(Option.LIST), option(Option.GO, infoData('disk')), READ]);
    for (let at = 0; at < said.length; at += 7) {
      client.send(said.subarray(at, at + 7));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect((await client.take(18 + 28 + 20 + 52 + 116)).subarray(-100)).toEqual(content.subarray(5000, 5100));
  });
});

describe('limits', () => {
  it('close the connection after the last', async () => {
    const { path, server, failures } = await noting({ limits: { connectionsMax: 2 } });
    const first = await (await rawClient(path)).go();
    await (await rawClient(path)).go();
    const third = await rawClient(path);
    expect(await third.rest()).toHaveLength(0);
    expect(failures).toEqual(['too-many-connections']);
    first.stream.destroy();
    await eventually(() => server.connectionCount === 1);
    expect(await reads(path)).toBe(true);
  });

  it('end a handshake that takes too long, and no transmission', async () => {
    const { path, failures } = await noting({ limits: { handshakeMilliseconds: 200 } });
    const slow = await rawClient(path);
    const busy = await (await rawClient(path)).go();
    slow.send(clientFlags());
    expect(await slow.rest()).toHaveLength(18);
    expect(failures).toEqual(['timeout']);
    busy.send(READ);
    await busy.take(116);
  });

  it('let a silent connection hold little memory', async () => {
    const { path } = await noting();
    for (let i = 0; i < 5; i++) await (await rawClient(path)).go();
    const measure = (): number => process.memoryUsage().arrayBuffers;
    const before = measure();
    const count = 40;
    for (let i = 0; i < count; i++) {
      const client = await (await rawClient(path)).go();
      client.send(READ);
      await client.take(116);
    }
    expect((measure() - before) / count).toBeLessThan(64 * 1024);
  });
});

describe('closing', () => {
  it('finishes what is in flight, then closes the backend', async () => {
    const log: string[] = [];
    let finish: () => void = () => {};
    const backend: Backend = {
      size: 100,
      read: async () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
      flush: () => void log.push('flush'),
      close: () => void log.push('close'),
    };
    const { path, server } = await noting({ exports: [{ name: '', backend }] });
    const client = await (await rawClient(path)).go();
    client.send(request({ type: Command.READ, length: 10 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = server.close();
    expect(await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))])).toBe('waits');
    expect(log).toEqual([]);
    finish();
    expect(await client.rest()).toHaveLength(26);
    client.stream.end();
    await closed;
    expect(log).toEqual(['flush', 'close']);
  });

  it('closes every backend before it says what one of them failed with', async () => {
    const log: string[] = [];
    const failing = { ...bufferBackend(content), flush: async () => Promise.reject(new Error('full')) };
    const closing = { ...bufferBackend(content), close: () => void log.push('close') };
    const exports = [failing, closing].map((backend, i) => ({ name: String(i), backend }));
    await expect(new NbdServer({ exports }).close()).rejects.toThrow('full');
    expect(log).toEqual(['close']);
  });

  it('tells a client in the handshake, and cuts off one that does not go', async () => {
    const { path, server } = await noting({ limits: { closeMilliseconds: 2000 } });
    const client = await rawClient(path);
    client.send(clientFlags());
    await client.take(18);
    const closed = server.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.send(option(Option.GO, infoData('')));
    const [reply] = optionReplies(await client.rest());
    expect(reply?.type).toBe(Reply.ERR_SHUTDOWN);
    await closed;
    await expect(connected(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lets a restarted server present the same', async () => {
    const path = join(scratch(), 's');
    const replies: Buffer[] = [];
    for (let i = 0; i < 2; i++) {
      const server = new NbdServer({ exports: [disk] });
      await server.listenUnix(path);
      const client = await rawClient(path);
      client.send(clientFlags(), option(Option.GO, infoData('', [1, 2, 3])), READ);
      client.stream.end();
      replies.push(await client.rest());
      await server.close();
    }
    expect(replies[0]?.length).toBeGreaterThan(200);
    expect(replies[0]).toEqual(replies[1]);
  });
});

describe('backends of a connection', () => {
  it('are opened for the export that is chosen and closed with the connection', async () => {
    const log: string[] = [];
    const backend = (): Backend => {
      log.push('open');
      return { ...bufferBackend(Buffer.alloc(512)), close: () => void log.push('close') };
    };
    const { path } = await noting({ exports: [{ name: 'mine', backend }] });
    const idle = await rawClient(path);
    idle.send(clientFlags(), option(Option.LIST));
    await idle.take(18 + 20 + 8 + 20);
    expect(log).toEqual([]);
    const client = await (await rawClient(path)).go();
    expect(log).toEqual(['open']);
    client.stream.destroy();
    await eventually(() => log.length === 2);
    expect(log).toEqual(['open', 'close']);
  });

  it('are closed when nothing uses them any more', async () => {
    const log: string[] = [];
    let finish: () => void = () => {};
    const backend = (): Backend => ({
      size: 100,
      read: async () =>
        new Promise((resolve) => {
          finish = resolve;
          log.push('read');
        }),
      close: () => void log.push('close'),
    });
    const limits = { closeMilliseconds: 50 };
    const { path, server } = await noting({ exports: [{ name: 'mine', backend }], limits });
    const client = await (await rawClient(path)).go();
    client.send(request({ type: Command.READ, length: 10 }));
    await eventually(() => log.length === 1);
    const closed = server.close();
    expect(await client.rest()).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(log).toEqual(['read']);
    finish();
    await closed;
    expect(log).toEqual(['read', 'close']);
  });

  it('that never answer do not keep the server from closing', async () => {
    const backend: Backend = { size: 100, read: async () => new Promise(() => {}) };
    const { path, server } = await noting({ exports: [{ name: '', backend }], limits: { closeMilliseconds: 50 } });
    const client = await (await rawClient(path)).go();
    client.send(request({ type: Command.READ, length: 10 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    expect(await client.rest()).toHaveLength(0);
  });

  it('that take longer to open than the handshake may are closed', async () => {
    let isClosed = false;
    const backend = async (): Promise<Backend> => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { ...bufferBackend(Buffer.alloc(512)), close: () => void (isClosed = true) };
    };
    const { path, failures } = await noting({
      exports: [{ name: 'mine', backend }],
      limits: { handshakeMilliseconds: 50 },
    });
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.GO, infoData('')));
    await client.rest();
    await eventually(() => isClosed);
    expect(failures).toEqual(['timeout']);
  });

  it('serve a client that has closed its side while they were opened', async () => {
    const backend = async (): Promise<Backend> => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return bufferBackend(content);
    };
    const { path } = await noting({ exports: [{ name: 'mine', backend }] });
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.EXPORT_NAME), READ);
    client.stream.end();
    expect(await client.rest()).toHaveLength(18 + 10 + 116);
  });

  it('that are opened while the client leaves are closed too', async () => {
    let isClosed = false;
    const backend = async (): Promise<Backend> => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { ...bufferBackend(Buffer.alloc(512)), close: () => void (isClosed = true) };
    };
    const { path } = await noting({ exports: [{ name: 'mine', backend }] });
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.GO, infoData('')));
    await client.take(18);
    client.stream.destroy();
    await eventually(() => isClosed);
    expect(isClosed).toBe(true);
  });
});

describe('several connections', () => {
  it('see what one of them has written', async () => {
    const { path } = await noting({ exports: [writable] });
    const [one, two] = [await (await rawClient(path)).go(), await (await rawClient(path)).go()];
    for (let i = 0; i < 50; i++) {
      const payload = Buffer.alloc(1000, i);
      one.send(request({ type: Command.WRITE, offset: 7000 + i, payload }));
      await one.take(16);
      two.send(request({ type: Command.READ, offset: 7000 + i, length: 1000 }));
      expect((await two.take(1016)).subarray(16).equals(payload)).toBe(true);
    }
  });

  it('do not wait for a bulk reader that does not read', async () => {
    const { path } = await noting();
    const bulk = await (await rawClient(path)).go();
    bulk.stream.pause();
    for (let i = 0; i < 50; i++) bulk.send(request({ type: Command.READ, length: 1 << 20 }));
    expect(await reads(path)).toBe(true);
  });
});

describe('what broke other servers', () => {
  it('connect and close, a thousand times', async () => {
    const { path, server } = await noting();
    for (let i = 0; i < 1000; i++) (await connected(path)).destroy();
    await eventually(() => server.connectionCount === 0);
    expect(await reads(path)).toBe(true);
  });

  it('half a header, in the handshake and after it', async () => {
    const { path, server, failures } = await noting();
    for (const bytes of [clientFlags().subarray(0, 2), Buffer.concat([clientFlags(), option(7).subarray(0, 9)])]) {
      const client = await rawClient(path);
      client.send(bytes);
      client.stream.end();
      await client.rest();
    }
    const client = await (await rawClient(path)).go();
    client.send(READ.subarray(0, 27));
    client.stream.end();
    expect(await client.rest()).toHaveLength(0);
    await eventually(() => server.connectionCount === 0);
    expect(failures).toEqual(['truncated', 'truncated']);
    expect(await reads(path)).toBe(true);
  });

  it.each([256, 257, 4096, 4097])('a name of %d bytes', async (length) => {
    const name = 'n'.repeat(length);
    const { path } = await noting({ exports: [disk, ...(length <= 4096 ? [{ ...disk, name }] : [])] });
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.INFO, infoData(name)), option(Option.EXPORT_NAME, Buffer.from(name)));
    const answered = await (async () => {
      client.stream.end();
      return client.rest();
    })();
    // What EXPORT_NAME is answered with has no header.
    const infos = optionReplies(answered.subarray(18, length <= 4096 ? -10 : undefined));
    expect(infos.map(({ type }) => type)).toEqual(length <= 4096 ? [Reply.INFO, Reply.ACK] : [Reply.ERR_TOO_BIG]);
    expect(await reads(path)).toBe(true);
  });

  it.each([0xffff_ffff, 0xffff_fff0, (32 << 20) + 1])('an option of %d bytes', async (length) => {
    const { path, failures } = await noting();
    for (const type of [Option.EXPORT_NAME, Option.LIST, Option.GO, Option.SET_META_CONTEXT, Option.STARTTLS, 99]) {
      const client = await rawClient(path);
      client.send(clientFlags(), option(type, Buffer.alloc(0), length));
      expect(await client.rest()).toHaveLength(18);
    }
    expect(new Set(failures)).toEqual(new Set(['option-too-long']));
    expect(await reads(path)).toBe(true);
  });

  it('half-open handshakes without end, then stopping', async () => {
    const { path, server } = await noting({ limits: { connectionsMax: 50 } });
    const clients = [];
    for (let i = 0; i < 50; i++) {
      const client = await rawClient(path);
      client.send(clientFlags(), option(Option.INFO, infoData('')).subarray(0, i % 22));
      clients.push(client);
    }
    await eventually(() => server.connectionCount === 50);
    await server.close();
    expect(server.connectionCount).toBe(0);
    for (const client of clients) await client.rest();
  });

  it('commands in the wrong order', async () => {
    const { path, failures } = await noting();
    const early = await rawClient(path);
    early.send(clientFlags(), READ);
    expect(await early.rest()).toHaveLength(18);
    const late = await (await rawClient(path)).go();
    late.send(option(Option.LIST), option(Option.GO, infoData('')));
    expect(await late.rest()).toHaveLength(0);
    expect(failures).toEqual(['bad-magic', 'bad-magic']);
  });

  it('a client that goes away with many replies queued', async () => {
    const { path, server } = await noting();
    for (let i = 0; i < 10; i++) {
      const client = await (await rawClient(path)).go(option(Option.STRUCTURED_REPLY));
      client.stream.pause();
      client.send(
        ...Array.from({ length: 200 }, (_, n) => request({ type: Command.READ, cookie: n, length: 100_000 })),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.stream.destroy();
    }
    await eventually(() => server.connectionCount === 0);
    expect(await reads(path)).toBe(true);
  });

  it('a half-closed client, which still gets its replies', async () => {
    const { path } = await noting();
    const client = await (await rawClient(path)).go(option(Option.STRUCTURED_REPLY));
    client.send(...Array.from({ length: 20 }, (_, n) => request({ type: Command.READ, cookie: n, length: 300_000 })));
    client.stream.end();
    const messages = new MessageParser('structured').push(await client.rest());
    expect(messages.filter(({ isDone }) => isDone)).toHaveLength(20);
  });

  it('requests right behind the choice of an export', async () => {
    const { path } = await noting();
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.EXPORT_NAME), READ, READ, request({ type: Command.DISC }));
    const all = await client.rest();
    expect(all).toHaveLength(18 + 10 + 2 * 116);
    expect(all.subarray(-100)).toEqual(content.subarray(5000, 5100));
  });
});

describe('sockets of others', () => {
  it('are served where data was read already', async () => {
    const server = new NbdServer({ exports: [disk] });
    const path = join(scratch(), 's');
    const own = createServer({ allowHalfOpen: true }, (socket) => void server.serveSocket(socket)).listen(path);
    onTestFinished(() => void own.close());
    await new Promise((resolve) => own.once('listening', resolve));
    expect(await reads(path)).toBe(true);
    await server.close();
  });
});
