import { type Export, NbdServer, type NbdServerOptions } from '../nbd/index.ts';
import { imageBackend } from '../serve-image.ts';
import type { OpenedExport } from './serve-exports.ts';
import { type TlsArguments, tlsOptions } from './serve-tls.ts';

/** What of a command line a server needs besides its exports. */
export interface ServerArguments extends TlsArguments {
  readonly structured: boolean;
  /** In seconds. */
  readonly slow: number;
}

/** What a server is told to tell. */
export type ServerEvents = Required<
  Pick<NbdServerOptions, 'onBackendError' | 'onConnectionError' | 'onConnection' | 'onSlowRequest'>
>;

/** A server of images as a command line describes it; `takeSocket` as NbdServer has it. Throws ImageError and NbdServerError. */
export async function newServer(
  opened: readonly OpenedExport[],
  args: ServerArguments,
  events: ServerEvents,
  takeSocket: NonNullable<NbdServerOptions['takeSocket']> = () => false,
): Promise<NbdServer> {
  const tls = await tlsOptions(args);
  return new NbdServer({
    exports: opened.map(({ name, image }): Export => ({ name, backend: imageBackend(image) })),
    ...(tls !== undefined && { tls }),
    structuredReplies: args.structured,
    slowRequestMilliseconds: args.slow * 1000,
    takeSocket,
    ...events,
  });
}
