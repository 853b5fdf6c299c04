import { type Export, NbdServer, type NbdServerOptions } from '../nbd/index.ts';
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

/** A server as a command line describes it; `takeSocket` as NbdServer has it. Throws ImageError and NbdServerError. */
export async function newServer(
  exports: readonly Export[],
  args: ServerArguments,
  events: ServerEvents,
  takeSocket: NonNullable<NbdServerOptions['takeSocket']> = () => false,
): Promise<NbdServer> {
  const tls = await tlsOptions(args);
  return new NbdServer({
    exports,
    ...(tls !== undefined && { tls }),
    structuredReplies: args.structured,
    slowRequestMilliseconds: args.slow * 1000,
    takeSocket,
    ...events,
  });
}
