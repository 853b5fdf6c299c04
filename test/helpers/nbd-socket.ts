import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { NbdServer, type NbdServerOptions } from '../../src/nbd/server.ts';
import { Option } from '../../src/nbd/protocol.ts';
import { clientFlags, infoData, option } from './nbd-wire.ts';

/** A server on a private socket that is closed when the test ends. */
export async function startServer(options: NbdServerOptions): Promise<{ server: NbdServer; path: string }> {
  const server = new NbdServer(options);
  onTestFinished(() => server.close());
  const { path } = await server.listenUnix();
  return { server, path };
}

/** A client that sends what it is told and keeps what it gets. */
export class RawClient {
  stream: Duplex;
  #chunks: Buffer[] = [];
  #length = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(stream: Duplex) {
    this.stream = stream;
    this.use(stream);
  }

  /** Goes on over another stream, TLS for example. */
  use(stream: Duplex): void {
    this.stream.removeAllListeners('data');
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    stream.on('error', () => {});
    for (const event of ['close', 'end']) {
      stream.on(event, () => {
        this.#isClosed = true;
        this.#wake();
      });
    }
  }

  send(...parts: Uint8Array[]): void {
    this.stream.write(Buffer.concat(parts));
  }

  /** The next `length` bytes; throws when the connection is closed before. */
  async take(length: number): Promise<Buffer> {
    await this.#until(() => this.#length >= length);
    if (this.#length < length) throw new Error(`closed after ${this.#length} of ${length} bytes`);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  /** Everything until the server closes. */
  async rest(): Promise<Buffer> {
    await this.#until(() => false);
    return Buffer.concat(this.#chunks);
  }

  /** Fixed newstyle, the default export, and the options before it; what the server answers to them is dropped. */
  async go(...options: Uint8Array[]): Promise<this> {
    this.send(clientFlags(), ...options, option(Option.GO, infoData('')));
    await this.take(18);
    for (let acknowledged = 0; acknowledged <= options.length; ) {
      const header = await this.take(20);
      await this.take(header.readUInt32BE(16));
      const type = header.readUInt32BE(12);
      if (type > 4) throw new Error(`option reply ${type}`);
      if (type === 1) acknowledged++;
    }
    return this;
  }

  async #until(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A connected client that is gone when the test ends. */
export async function rawClient(to: string | NetConnectOpts): Promise<RawClient> {
  const socket = await connected(to);
  return new RawClient(socket);
}

export async function connected(to: string | NetConnectOpts): Promise<Socket> {
  const options = typeof to === 'string' ? { path: to } : to;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, allowHalfOpen: true }, () => resolve(socket));
    socket.once('error', reject);
    onTestFinished(() => void socket.destroy());
  });
}

/** Waits until something is so; throws when it does not come to be. */
export async function eventually(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!isSo()) throw new Error('it did not come to be');
}
