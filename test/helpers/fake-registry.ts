import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

/** Answers a request, or leaves it to `asUsual`. */
export type Intercept = (request: IncomingMessage, response: ServerResponse, asUsual: () => void) => void;

/** A web server on loopback that remembers what it was asked; closed when the test ends. */
export class FakeServer {
  readonly #server: Server;
  /** `METHOD PATH`, in order. */
  readonly asked: string[] = [];
  /** Their headers. */
  readonly headers: IncomingMessage['headers'][] = [];

  private constructor(answer: Intercept) {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.headers.push(request.headers);
      // Whoever went away is no failure of the server's.
      response.on('error', () => undefined);
      answer(request, response, () => response.writeHead(404).end());
    });
  }

  static async start(answer: Intercept, port = 0): Promise<FakeServer> {
    const server = new FakeServer(answer);
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Takes CONNECT too: every tunnel leads to `port` of this machine, or is refused. */
  tunnelTo(port: number | undefined): void {
    this.#server.on('connect', (request, socket, head) => {
      this.asked.push(`CONNECT ${request.url}`);
      this.headers.push(request.headers);
      if (port === undefined) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      const target = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.write(head);
        target.pipe(socket).pipe(target);
      });
      socket.on('error', () => target.destroy()).on('close', () => target.destroy());
      target.on('error', () => socket.destroy());
    });
  }

  /** Hangs up where others say that they do not understand. */
  hangUpOnNonsense(): void {
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  countOf(pattern: RegExp): number {
    return this.asked.filter((line) => pattern.test(line)).length;
  }
}

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const jsonBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Blobs and manifests of one repository, `test/image`, with the tag `latest`. */
export class FakeImage {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  /** Of the lowest layer's blob. */
  readonly layerDigest: string;
  readonly manifestDigest: string;

  /** Layers of these tars, each with `layer` put over its descriptor and compressed. */
  constructor(
    tars: readonly Uint8Array[],
    layer: Record<string, unknown> = {},
    compress: (tar: Uint8Array) => Buffer = gzipSync,
  ) {
    const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: tars.map(sha256) } };
    const layers = tars.map((tar) => this.#blob('application/vnd.oci.image.layer.v1.tar+gzip', compress(tar)));
    this.layerDigest = layers[0]!.digest;
    this.manifestDigest = this.putManifest('latest', 'application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config: this.#blob('application/vnd.oci.image.config.v1+json', jsonBytes(config)),
      layers: layers.map((blob) => ({ ...blob, ...layer })),
    });
  }

  putManifest(tag: string, type: string, content: Record<string, unknown>): string {
    const bytes = jsonBytes({ mediaType: type, ...content });
    for (const name of [tag, sha256(bytes)]) this.manifests.set(name, { type, bytes });
    return sha256(bytes);
  }

  /** Answers as a registry does, ranges too. */
  readonly answer: Intercept = (request, response) => {
    const [, kind, name = ''] = /^\/v2\/test\/image\/(blobs|manifests)\/([^/?]+)/.exec(request.url ?? '') ?? [];
    const manifest = kind === 'manifests' ? this.manifests.get(name) : undefined;
    const bytes = manifest?.bytes ?? (kind === 'blobs' ? this.blobs.get(name) : undefined);
    if (bytes === undefined) return errorAnswer(response, 404, 'MANIFEST_UNKNOWN', 'not here');
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(start ?? 0);
    response.writeHead(start === undefined ? 200 : 206, {
      'content-type': manifest?.type ?? 'application/octet-stream',
      'content-length': bytes.length - from,
      ...(start !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.end(bytes.subarray(from));
  };

  #blob(mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } {
    const digest = sha256(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

/** An error as the distribution specification has it. */
export function errorAnswer(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
