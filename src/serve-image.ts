import type { Image } from './image/image.ts';
import { type Address, type Backend, NbdServer, nbdUri, type TlsOptions } from './nbd/index.ts';

/** Where and how an image is served. */
export interface ServeImageOptions {
  /** A unix socket's path; without it and without `port`, a socket in a private temporary directory. */
  readonly socket?: string | undefined;
  /** A TCP port, 0 for any that is free. */
  readonly port?: number | undefined;
  /** The address for `port`; 127.0.0.1 unless told. */
  readonly bind?: string | undefined;
  /** Serve without TLS where other machines can connect. */
  readonly insecure?: boolean | undefined;
  /** The export's name; clients that name none get it too. */
  readonly exportName?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Told of reads that failed; clients see an input/output error. */
  readonly onReadError?: ((error: unknown) => void) | undefined;
  /** Told of connections that were closed for a reason of the server's. */
  readonly onConnectionError?: ((error: unknown) => void) | undefined;
  /** Told of the number of connections whenever it changes. */
  readonly onConnectionCount?: ((count: number) => void) | undefined;
}

/** A server of one image. */
export interface ImageServer {
  readonly address: Address;
  readonly uri: string;
  /** Finishes what is in flight, and stops. The image stays open. */
  close(): Promise<void>;
}

/** How long inputs are trusted to be what they were, in milliseconds. */
const TRUST_MILLISECONDS = 100;

/**
 * Serves an image over NBD, read-only; its bytes are made when they are asked for. Throws NbdServerError for an address that
 * cannot be used.
 */
export async function serveImage(image: Image, options: ServeImageOptions = {}): Promise<ImageServer> {
  const { socket, port, bind, insecure, exportName = '', tls } = options;
  const server = imageServer(image, options);
  const address =
    port === undefined
      ? await server.listenUnix(socket)
      : await server.listenTcp({ port, ...(bind !== undefined && { host: bind }), insecure: insecure ?? false });
  return { address, uri: nbdUri(address, exportName, tls !== undefined), close: async () => server.close() };
}

/** Serves an image on the sockets that systemd, or a client that does as it does, has passed. Throws NbdServerError without any. */
export async function serveImageActivated(
  image: Image,
  options: ServeImageOptions = {},
): Promise<{ close(): Promise<void> }> {
  const server = imageServer(image, options);
  await server.listenActivated();
  return { close: async () => server.close() };
}

/** Serves an image to the one client at standard input and output; settles when it has gone. */
export async function serveImageOnStdio(image: Image, options: ServeImageOptions = {}): Promise<void> {
  const server = imageServer(image, options);
  await server.serveStdio();
  await server.close();
}

function imageServer(image: Image, options: ServeImageOptions): NbdServer {
  const { exportName = '', tls, onReadError, onConnectionError, onConnectionCount } = options;
  return new NbdServer({
    exports: [{ name: exportName, backend: imageBackend(image) }],
    ...(tls !== undefined && { tls }),
    ...(onReadError !== undefined && { onBackendError: onReadError }),
    ...(onConnectionError !== undefined && { onConnectionError }),
    ...(onConnectionCount !== undefined && { onConnectionCount }),
  });
}

/** An image as a read-only backend: once an input is not what was planned, nothing more is read. */
function imageBackend(image: Image): Backend {
  let trustedUntil = 0;
  return {
    size: image.size,
    read(offset, target) {
      const now = performance.now();
      if (now >= trustedUntil) {
        image.verifyUnchanged();
        trustedUntil = now + TRUST_MILLISECONDS;
      }
      image.read(offset, target);
    },
    extents: (offset, length, granularity) => image.extents(offset, length, granularity),
  };
}
