import { isIPv6 } from 'node:net';
import { NBD_PORT } from './transport/tcp.ts';

/** Where a server listens. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** The address of an export as clients take it, doc/uri.md of the NetworkBlockDevice project. */
export function nbdUri(address: Address, exportName = '', isEncrypted = false): string {
  const scheme = isEncrypted ? 'nbds' : 'nbd';
  const name = encodeURIComponent(exportName).replaceAll('%2F', '/');
  if (address.kind === 'unix') return `${scheme}+unix:///${name}?socket=${encodeURIComponent(address.path)}`;
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
  const port = address.port === NBD_PORT ? '' : `:${address.port}`;
  return `${scheme}://${host}${port}/${name}`;
}
