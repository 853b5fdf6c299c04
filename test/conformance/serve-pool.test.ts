import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { output, startBlockloom, writeLayers } from '../helpers/cli.ts';
import { nbdsh } from '../helpers/nbd-tools.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools } from '../helpers/tools.ts';

/** Connects `count` clients at the same time, does something, and prints the digest that each reads of the whole. */
function clients(count: number, between = ''): string {
  return [
    'import hashlib, os, signal, time',
    'handles = []',
    `for i in range(${count}):`,
    '  h = nbd.NBD()',
    '  h.connect_unix(path)',
    '  handles.append(h)',
    between,
    'for h in handles:',
    '  try:',
    '    print(hashlib.sha256(h.pread(h.get_size(), 0)).hexdigest())',
    '  except nbd.Error as error:',
    '    print(error.errnum)',
  ].join('\n');
}

/** The processes that a process has started. */
function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

describe.skipIf(process.platform !== 'linux' || !requireTools('nbdsh'))('several processes', () => {
  let folder: string;
  let layers: readonly string[];
  let digest: string;
  let log: Record<string, unknown>[];
  beforeEach(() => {
    folder = scratch();
    layers = writeLayers(folder);
    digest = output(['hash', ...layers], { cwd: folder });
    log = [];
  });

  async function serve(...args: string[]): Promise<ChildProcess> {
    const server = startBlockloom(['serve', ...layers, '--socket', 's', '--log', 'json', ...args], { cwd: folder });
    onTestFinished(() => void server.kill('SIGKILL'));
    // What the server of a test before still says belongs to its own.
    const lines = log;
    server.stderr?.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line));
    });
    await new Promise((resolve) => server.stdout?.once('data', resolve));
    return server;
  }

  it('serve clients that come at the same time, and end with the first', async () => {
    const server = await serve('--threads', '3');
    expect(childrenOf(server.pid)).toEqual([]);
    expect(await nbdsh(join(folder, 's'), clients(6))).toBe(Array(6).fill(digest).join('\n'));
    const workers = childrenOf(server.pid);
    expect(workers).toHaveLength(2);
    await expect.poll(() => log.filter(({ event }) => event === 'closed')).toHaveLength(6);
    expect(log.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    expect(log.at(-1)).toMatchObject({ event: 'closed', count: 0 });
    server.kill('SIGTERM');
    expect(await new Promise((resolve) => server.once('exit', resolve))).toBe(0);
    expect(workers.filter((pid) => readdirSync('/proc').includes(String(pid)))).toEqual([]);
  });

  it('end when the first is killed', async () => {
    const server = await serve('--threads', '2');
    await nbdsh(join(folder, 's'), clients(2));
    const [worker] = childrenOf(server.pid);
    expect(worker).toBeDefined();
    server.kill('SIGKILL');
    await expect.poll(() => readdirSync('/proc').includes(String(worker)), { timeout: 5000 }).toBe(false);
  });

  it('end when they have had no clients for a while, and are there again for the next', async () => {
    const server = await serve('--threads', '2');
    for (let round = 0; round < 2; round++) {
      expect(await nbdsh(join(folder, 's'), clients(2))).toBe(Array(2).fill(digest).join('\n'));
      expect(childrenOf(server.pid)).toHaveLength(1);
      await expect.poll(() => childrenOf(server.pid), { timeout: 15_000 }).toEqual([]);
    }
    expect(log.filter(({ event }) => event === 'closed')).toHaveLength(4);
  });

  it('are one with --threads 1', async () => {
    const server = await serve('--threads', '1');
    expect(await nbdsh(join(folder, 's'), clients(3))).toBe(Array(3).fill(digest).join('\n'));
    expect(childrenOf(server.pid)).toEqual([]);
  });

  it('leave the others alone when one is killed', async () => {
    const server = await serve('--threads', '2');
    const kill = `[os.kill(int(pid), signal.SIGKILL) for pid in open('/proc/${server.pid}/task/${server.pid}/children').read().split()]`;
    const [first, second] = (await nbdsh(join(folder, 's'), clients(2, kill))).split('\n');
    expect(first).toBe(digest);
    expect(second).not.toBe(digest);
    await expect.poll(() => childrenOf(server.pid)).toEqual([]);
    // Another takes its place.
    expect(await nbdsh(join(folder, 's'), clients(2))).toBe(Array(2).fill(digest).join('\n'));
    expect(childrenOf(server.pid)).toHaveLength(1);
  });

  it('lose no client that was on its way to one when it is killed', async () => {
    const server = await serve('--threads', '2');
    const late = `
import threading
worker = int(open('/proc/${server.pid}/task/${server.pid}/children').read())
handles[1].pread(1, 0)
os.kill(worker, signal.SIGSTOP)
digests = []
def connect():
  h = nbd.NBD()
  h.connect_unix(path)
  digests.append(hashlib.sha256(h.pread(h.get_size(), 0)).hexdigest())
threads = [threading.Thread(target=connect, daemon=True) for i in range(6)]
for thread in threads: thread.start()
time.sleep(0.5)
os.kill(worker, signal.SIGKILL)
for thread in threads: thread.join(10)
print(len(digests), *set(digests))
handles.clear()`;
    expect(await nbdsh(join(folder, 's'), clients(4, late))).toBe(`6 ${digest}`);
  });

  it('are not needed to know that nobody is connected any more when one is killed', async () => {
    const server = await serve('--threads', '2', '--exit-when-idle');
    const leaveAndKill = `
handles[1].pread(1, 0)
handles.pop(0).shutdown()
time.sleep(0.2)
os.kill(int(open('/proc/${server.pid}/task/${server.pid}/children').read()), signal.SIGKILL)`;
    await nbdsh(join(folder, 's'), clients(2, leaveAndKill));
    await expect.poll(() => server.exitCode, { timeout: 5000 }).toBe(0);
    expect(log.filter(({ event }) => event === 'closed').map(({ id }) => id)).toEqual([1, 2]);
  });

  it('are done without when none can be started', async () => {
    const server = await serve('--threads', '2');
    // Room for the socket of one more client, and not for what starts a process.
    const limited = `
import hashlib, os, resource
one = nbd.NBD()
one.connect_unix(path)
used = {int(fd) for fd in os.listdir('/proc/${server.pid}/fd')}
free = next(fd for fd in range(1000) if fd not in used)
_, most = resource.prlimit(${server.pid}, resource.RLIMIT_NOFILE)
resource.prlimit(${server.pid}, resource.RLIMIT_NOFILE, (free + 1, most))
two = nbd.NBD()
two.connect_unix(path)
for h in (one, two):
  print(hashlib.sha256(h.pread(h.get_size(), 0)).hexdigest())`;
    expect(await nbdsh(join(folder, 's'), limited)).toBe(`${digest}\n${digest}`);
    expect(childrenOf(server.pid)).toEqual([]);
  });

  it('never serve layers that are not those of the first', async () => {
    const server = await serve('--threads', '2');
    const [base = ''] = layers;
    // A layer as good as the one before, of which another image could be served.
    writeFileSync(join(folder, base), makeTar([{ name: 'other', data: 'other' }]));
    const [first, second] = (await nbdsh(join(folder, 's'), clients(2))).split('\n');
    expect(first).toBe('5');
    expect(second).toBe('5');
    expect(childrenOf(server.pid)).toEqual([]);
    expect(log.filter(({ event }) => event === 'error')).not.toEqual([]);
  });
});
