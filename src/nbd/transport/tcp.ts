import type { Server } from 'node:net';
import { isIPv4 } from 'node:net';

/** The port that IANA gave to NBD. */
export const NBD_PORT = 10_809;

/** Whether only this machine can connect to a server bound to `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

export async function listenTcp(server: Server, host: string, port: number): Promise<void> {
  await listening(server, () => server.listen({ host, port }));
}

/** Listens on a socket that the process was given. */
export async function listenDescriptor(server: Server, fd: number): Promise<void> {
  await listening(server, () => server.listen({ fd }));
}

async function listening(server: Server, listen: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}
