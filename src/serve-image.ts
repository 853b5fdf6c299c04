import type { Image } from './image/image.ts';
import { type Address, type Backend, type Export, NbdServer, type NbdServerOptions, nbdUri } from './nbd/index.ts';

/** Where a server listens. */
export interface ListenOptions {
  /** A unix socket's path; without it and without `port`, a socket in a private temporary directory. */
  readonly socket?: string;
  /** A TCP port, 0 for any that is free. */
  readonly port?: number;
  /** The address for `port`; 127.0.0.1 unless told. */
  readonly bind?: string;
  /** Serve without TLS where other machines can connect. */
  readonly insecure?: boolean;
}

/** Where and how an image is served; what is not told here is as NbdServer has it. */
export interface ServeImageOptions extends ListenOptions, Omit<NbdServerOptions, 'exports'> {
  /** The export's name; clients that name none get it too. */
  readonly exportName?: string;
  /** What clients read and write in place of the image: from `openWritable`. Closed with the server. */
  readonly backend?: Export['backend'];
}

/** A server of one image. */
export interface ImageServer {
  readonly address: Address;
  readonly uri: string;
  /** Finishes what is in flight, and stops. The image stays open. */
  close(): Promise<void>;
}

/**
 * Serves an image over NBD, read-only unless a backend is told; its bytes are made when they are asked for. Throws
 * NbdServerError for an address that cannot be used.
 */
export async function serveImage(image: Image, options: ServeImageOptions = {}): Promise<ImageServer> {
  const { exportName = '', backend = imageBackend(image), ...rest } = options;
  const server = new NbdServer({ ...rest, exports: [{ name: exportName, backend }] });
  const address = await listen(server, options);
  return { address, uri: nbdUri(address, exportName, options.tls !== undefined), close: async () => server.close() };
}

/** Listens on TCP with a port, else on a unix socket. Throws NbdServerError for an address that cannot be used. */
export async function listen(server: NbdServer, options: ListenOptions): Promise<Address> {
  const { socket, port, bind, insecure = false } = options;
  if (port === undefined) return server.listenUnix(socket);
  return server.listenTcp({ port, ...(bind !== undefined && { host: bind }), insecure });
}

/** An image as a read-only backend. What comes from an input that has changed is an error; the rest is served on. */
export function imageBackend(image: Image): Backend {
  const watched = image.watched();
  return {
    size: watched.size,
    read: (offset, target) => watched.read(offset, target),
    extents: (offset, length, granularity) => watched.extents(offset, length, granularity),
  };
}
