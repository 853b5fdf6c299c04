import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

/** bcrypt of `secret`, at the lowest cost. */
const HTPASSWD = 'me:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

/** Starts Debian's docker-registry on loopback, until the tests of the file end; `127.0.0.1:PORT`. The password of `me` is `secret`. */
export async function startDockerRegistry(
  folder: string,
  { isGuarded = false, tls }: { isGuarded?: boolean; tls?: { certificate: string; key: string } } = {},
): Promise<string> {
  const host = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'storage') } },
    http: { addr: host, ...(tls !== undefined && { tls }) },
    ...(isGuarded && { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }),
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  afterAll(() => void registry.kill('SIGKILL'));
  const deadline = Date.now() + 60_000;
  while (!(await answers(host))) {
    if (registry.exitCode !== null || Date.now() > deadline)
      throw new Error(`docker-registry does not start at ${host}`);
    await sleep(50);
  }
  return host;
}

/** Whether a connection is taken. */
async function answers(host: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${host}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(true));
    socket.once('connect', () => socket.destroy()).once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
