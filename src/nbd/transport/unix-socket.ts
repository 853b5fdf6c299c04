import { chmodSync, existsSync, lstatSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { NbdServerError } from '../errors.ts';

/** What the operating system has room for in an address, less the NUL. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103;

/** Nobody but the owner connects. */
const MODE = 0o600;

/**
 * Listens on a unix socket that only its owner may use. A socket that nothing answers on is a left-over and replaced.
 * Throws `socket-in-use` or `socket-path`.
 */
export async function listenUnix(server: Server, path: string): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length === 0 || length > PATH_BYTES_MAX || path.includes('\0')) {
    throw new NbdServerError('socket-path', `a socket's path has ${length} bytes, expected 1 to ${PATH_BYTES_MAX}`);
  }
  if (!existsSync(dirname(path))) {
    throw new NbdServerError('socket-path', `there is no directory for ${JSON.stringify(path)}`);
  }
  try {
    await bind(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await removeStale(path);
    await bind(server, path);
  }
}

async function bind(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The socket is bound before listen() returns; the mask leaves no moment in which others could connect.
    const before = isMainThread ? process.umask(0o777 & ~MODE) : undefined;
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      if (before !== undefined) process.umask(before);
    }
  });
  chmodSync(path, MODE);
}

async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path).isSocket()) {
    throw new NbdServerError('socket-path', `${JSON.stringify(path)} is there and no socket`);
  }
  if (await answers(path)) throw new NbdServerError('socket-in-use', `a server answers on ${JSON.stringify(path)}`);
  unlinkSync(path);
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    // Anything but a refusal may be a server that is busy.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

/** A path for a socket in a new directory that only its owner can enter. */
export function privateSocketPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'nbd-')), 'nbd.sock');
}

/** Removes a socket's file, and with `isPrivate` its directory, if it is there. */
export function removeSocket(path: string, isPrivate: boolean): void {
  try {
    unlinkSync(path);
  } catch {
    // Node.js has removed it, or somebody else.
  }
  if (isPrivate) rmdirSync(dirname(path));
}
