import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** bcrypt of `secret`, at the lowest cost. */
const HTPASSWD = 'me:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

/** A registry of Debian's on loopback. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  stop(): void;
}

/** Starts a registry that is to be stopped. The password of `me` is `secret`. */
export async function startDockerRegistry(
  folder: string,
  { isGuarded = false, tls }: { isGuarded?: boolean; tls?: { certificate: string; key: string } } = {},
): Promise<DockerRegistry> {
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
  const deadline = Date.now() + 60_000;
  while (!(await answers(host))) {
    if (registry.exitCode !== null || Date.now() > deadline) {
      registry.kill('SIGKILL');
      throw new Error(`docker-registry does not start at ${host}`);
    }
    await sleep(50);
  }
  return { host, stop: () => void registry.kill('SIGKILL') };
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
