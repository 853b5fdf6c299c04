import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { bufferBackend } from '../../../src/nbd/backends/buffer-backend.ts';
import { Command, ErrorValue, Option, Reply } from '../../../src/nbd/protocol.ts';
import { NbdServer } from '../../../src/nbd/server.ts';
import { parsePskFile } from '../../../src/nbd/tls.ts';
import { type RawClient, rawClient, startServer } from '../../helpers/nbd-socket.ts';
import { clientFlags, infoData, MessageParser, option, optionReplies, request } from '../../helpers/nbd-wire.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
const content = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 13) & 0xff));
const psk = new Map([['alice', KEY]]);

async function start(mode: 'on' | 'require') {
  const failures: unknown[] = [];
  const { path } = await startServer({
    exports: [
      { name: 'disk', backend: bufferBackend(content, { writable: true }) },
      { name: 'secret', backend: bufferBackend(content), tlsOnly: true },
    ],
    tls: { mode, psk },
    limits: { payloadBytesMax: 65_536 },
    onConnectionError: (error) => failures.push(error),
  });
  return { path, failures };
}

/** Says STARTTLS and goes on encrypted. */
async function encrypted(client: RawClient, key = KEY, options: ConnectionOptions = {}): Promise<TLSSocket> {
  client.send(clientFlags(), option(Option.STARTTLS));
  await client.take(18 + 20);
  client.stream.removeAllListeners('data');
  const stream = connectTls({
    ...options,
    socket: client.stream,
    ciphers: 'PSK',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: key, identity: 'alice' }),
  });
  await new Promise((resolve, reject) => {
    stream.once('secureConnect', resolve);
    stream.once('error', reject);
  });
  client.use(stream);
  return stream;
}

describe('TLS with pre-shared keys', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('carries negotiation and transmission over %s', async (version) => {
    const { path } = await start('require');
    const client = await rawClient(path);
    const stream = await encrypted(client, KEY, { minVersion: version, maxVersion: version });
    expect(stream.getProtocol()).toBe(version);
    client.send(option(Option.STRUCTURED_REPLY), option(Option.GO, infoData('disk')));
    const replies = optionReplies(await client.take(20 + 32 + 20));
    expect(replies.map(({ type }) => type)).toEqual([Reply.ACK, Reply.INFO, Reply.ACK]);
    for (let i = 0; i < 100; i++) client.send(request({ type: Command.READ, cookie: i, offset: i, length: 60_000 }));
    client.send(request({ type: Command.DISC }));
    const messages = new MessageParser('structured').push(await client.rest());
    expect(messages).toHaveLength(100);
    for (const { cookie, data } of messages) {
      expect(data.equals(content.subarray(Number(cookie), Number(cookie) + 60_000))).toBe(true);
    }
  });

  it('refuses the wrong key', async () => {
    const { path, failures } = await start('on');
    const client = await rawClient(path);
    await expect(encrypted(client, Buffer.alloc(16))).rejects.toMatchObject({ code: expect.any(String) });
    client.stream.destroy();
    await expect.poll(() => failures.length).toBe(1);
  });

  it('does not believe what was sent before it', async () => {
    const { path, failures } = await start('on');
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.STARTTLS), option(Option.EXPORT_NAME));
    expect(await client.rest()).toHaveLength(18);
    expect(failures).toMatchObject([{ code: 'early-plaintext' }]);
  });

  it('passes over an unknown option with data before it is used', async () => {
    const { path } = await start('require');
    const client = await rawClient(path);
    client.send(clientFlags(), option(99, Buffer.alloc(100_000, 1)), option(Option.LIST));
    await client.take(18);
    const first = await client.take(20);
    expect(first.readUInt32BE(12)).toBe(Reply.ERR_TLS_REQD);
    await client.take(first.readUInt32BE(16));
    const second = await client.take(20);
    expect([second.readUInt32BE(8), second.readUInt32BE(12)]).toEqual([Option.LIST, Reply.ERR_TLS_REQD]);
  });

  it('passes over a WRITE that is too long', async () => {
    const { path } = await start('require');
    const client = await rawClient(path);
    await encrypted(client);
    client.send(option(Option.GO, infoData('disk')));
    await client.take(32 + 20);
    client.send(
      request({ type: Command.WRITE, payload: Buffer.alloc(65_537) }),
      request({ type: Command.WRITE, cookie: 2, payload: Buffer.alloc(60_000, 9) }),
      request({ type: Command.READ, cookie: 3, length: 60_000 }),
    );
    const messages = new MessageParser('simple', (cookie) => (cookie === 3n ? 60_000 : 0)).push(
      await client.take(3 * 16 + 60_000),
    );
    expect(messages.map(({ error }) => error)).toEqual([ErrorValue.EOVERFLOW, 0, 0]);
    expect(messages[2]?.data).toEqual(Buffer.alloc(60_000, 9));
  });

  it('shows what is only for encrypted clients', async () => {
    const { path } = await start('on');
    const client = await rawClient(path);
    await encrypted(client);
    client.send(option(Option.GO, infoData('secret')));
    expect(optionReplies(await client.take(32 + 20)).at(-1)?.type).toBe(Reply.ACK);
  });

  it('is over at the end of the handshake time', async () => {
    const failures: unknown[] = [];
    const { path } = await startServer({
      exports: [{ name: 'disk', backend: bufferBackend(content) }],
      tls: { mode: 'require', psk },
      limits: { handshakeMilliseconds: 150 },
      onConnectionError: (error) => failures.push(error),
    });
    const client = await rawClient(path);
    client.send(clientFlags(), option(Option.STARTTLS));
    await client.rest();
    expect(failures[0]).toMatchObject({ code: 'timeout' });
  });
});

describe('settings', () => {
  it('need keys that can be read', () => {
    const exports = [{ name: '', backend: bufferBackend(content) }];
    const make = (tls: object) => () => new NbdServer({ exports, tls: { mode: 'on', ...tls } });
    expect(make({})).toThrow(expect.objectContaining({ code: 'bad-tls' }));
    expect(make({ cert: 'x', key: 'y' })).toThrow(expect.objectContaining({ code: 'bad-tls' }));
    const secret = [{ name: '', backend: bufferBackend(content), tlsOnly: true }];
    expect(() => new NbdServer({ exports: secret })).toThrow(expect.objectContaining({ code: 'bad-tls' }));
  });

  it('read files of pre-shared keys', () => {
    expect(parsePskFile('# keys\nalice:00ff\r\n\nbob:0A\n')).toEqual(
      new Map([
        ['alice', Buffer.from([0, 255])],
        ['bob', Buffer.from([10])],
      ]),
    );
    for (const bad of ['alice', 'alice:', 'alice:0', 'alice:xx', ':00']) {
      expect(() => parsePskFile(bad)).toThrow(expect.objectContaining({ code: 'bad-tls' }));
    }
  });
});
