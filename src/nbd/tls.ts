import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket, type TlsOptions as NodeTlsOptions } from 'node:tls';
import { NbdServerError } from './errors.ts';

/** The keys of a server; certificates and pre-shared keys may be offered together. */
export interface TlsOptions {
  /** `on`: for clients that ask, and for exports that are `tlsOnly`; `require`: for everything. */
  readonly mode: 'on' | 'require';
  /** PEM of the server's certificate chain and its key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** PEM of the authority that clients' certificates must come from; without it clients need none. */
  readonly ca?: string | Uint8Array;
  /** Pre-shared keys by the client's identity; `parsePskFile` reads them. */
  readonly psk?: ReadonlyMap<string, Uint8Array>;
}

/** What certificates are used with, and what pre-shared keys. */
const CERTIFICATE_CIPHERS = 'HIGH:!aNULL:!PSK:!SRP';
const PSK_CIPHERS = 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:ECDHE-PSK:DHE-PSK:PSK:!RSAPSK:!eNULL:!aNULL';

/** The settings of node:tls. Throws `bad-tls` when keys are missing or unreadable. */
export function secureSettings(options: TlsOptions): NodeTlsOptions {
  const { cert, key, ca, psk } = options;
  if (psk === undefined && (cert === undefined || key === undefined)) {
    throw new NbdServerError('bad-tls', 'TLS needs a certificate and its key, or pre-shared keys');
  }
  const ciphers = [cert && CERTIFICATE_CIPHERS, psk && PSK_CIPHERS].filter(Boolean);
  const settings: NodeTlsOptions = {
    minVersion: 'TLSv1.2',
    ciphers: ciphers.length === 2 ? `${PSK_CIPHERS}:HIGH` : ciphers.join(''),
    ...(cert !== undefined && key !== undefined && { cert: bufferOf(cert), key: bufferOf(key) }),
    ...(ca !== undefined && { ca: bufferOf(ca), requestCert: true, rejectUnauthorized: true }),
    ...(psk !== undefined && { pskCallback: (_socket: unknown, identity: string) => keyOf(psk, identity) }),
  };
  try {
    createSecureContext(settings);
  } catch (error) {
    throw new NbdServerError('bad-tls', `the keys for TLS cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return settings;
}

/**
 * Makes a connection a TLS connection, as its server. A server of node:tls for each connection costs little, verifies what
 * the client shows, and is the documented way to get from the one socket to the other. Rejects when the handshake fails.
 */
export async function encrypt(socket: Socket, settings: NodeTlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...settings, allowHalfOpen: true });
    server.once('secureConnection', resolve);
    server.once('tlsClientError', reject);
    socket.once('close', () => reject(new Error('the client has closed the connection')));
    server.emit('connection', socket);
  });
}

/** Reads `identity:hexadecimal key` lines, as psktool writes them. Throws `bad-tls`. */
export function parsePskFile(text: string): Map<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  for (const line of text.split('\n').map((part) => part.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, identity, key] = /^([^:]+):((?:[0-9a-f]{2})+)$/i.exec(line) ?? [];
    if (identity === undefined || key === undefined) {
      throw new NbdServerError('bad-tls', `line ${keys.size + 1} of the pre-shared keys is not identity:hexadecimal`);
    }
    keys.set(identity, Buffer.from(key, 'hex'));
  }
  return keys;
}

function bufferOf(pem: string | Uint8Array): Buffer {
  return typeof pem === 'string' ? Buffer.from(pem) : Buffer.from(pem);
}

function keyOf(keys: ReadonlyMap<string, Uint8Array>, identity: string): Buffer | null {
  const key = keys.get(identity);
  return key === undefined ? null : Buffer.from(key);
}
