import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../golden-images/cases.ts';
import { blockloom, MAIN, output, startBlockloom, writeLayers } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const GOLDEN = join(import.meta.dirname, '../../golden-images');

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** The first line that a server prints: its URI. */
async function uriOf(server: ChildProcess): Promise<string> {
  onTestFinished(() => void server.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    server.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    server.once('exit', (status) => reject(new Error(`the server ended with ${status}`)));
  });
}

async function statusOf(server: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    server.once('exit', resolve);
  });
}

describe.skipIf(!requireTools('nbdcopy', 'nbdinfo', 'nbdsh', 'qemu-img'))('serve', () => {
  it.each([...CASES])('serves what build writes: %s', (name, { layers, options }) => {
    const folder = scratch();
    const files = layers.map((entries, i) => {
      writeFileSync(join(folder, `${i}.tar`), makeTar(entries));
      return `${i}.tar`;
    });
    const { blockSize, placement, label, mtime, owner, chmodMask, free } = options ?? {};
    const freeText = typeof free === 'object' ? `${free.percent}%` : free;
    const flags = Object.entries({
      '--block-size': blockSize,
      '--placement': placement,
      '--label': label,
      '--mtime': mtime,
      '--owner': owner && `${owner.uid}:${owner.gid}`,
      '--chmod-mask': chmodMask?.toString(8),
      '--free': freeText,
    }).flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
    output(['serve', ...files, ...flags, '--run', 'nbdcopy "$uri" live.img'], { cwd: folder });
    expect(`${sha256Of(join(folder, 'live.img'))}\n`).toBe(readFileSync(join(GOLDEN, name, 'image.sha256'), 'utf8'));
  });

  it('serves over TCP what it serves over a unix socket, until it is told to end', async () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const digest = output(['build', ...layers, '-o', 'disk.img'], { cwd: folder }).slice(0, 64);
    const pidFile = join(folder, 'pid');
    const server = startBlockloom(['serve', ...layers, '--port', '0', '--export', 'disk/a', '--pid-file', pidFile], {
      cwd: folder,
    });
    const uri = await uriOf(server);
    expect(uri).toMatch(/^nbd:\/\/127\.0\.0\.1:\d+\/disk\/a$/);
    expect(Number(readFileSync(pidFile, 'utf8'))).toBe(server.pid);
    run('nbdcopy', [uri, join(folder, 'live.img')]);
    expect(sha256Of(join(folder, 'live.img'))).toBe(digest);
    run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', uri, join(folder, 'disk.img')]);
    server.kill('SIGTERM');
    expect(await statusOf(server)).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('serves one client at standard input and output', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const digest = output(['hash', ...layers], { cwd: folder });
    const command = JSON.stringify([process.execPath, MAIN, 'serve', ...layers, '--stdio']);
    const script = [
      'import hashlib, nbd',
      'h = nbd.NBD()',
      `h.connect_command(${command})`,
      'print(hashlib.sha256(h.pread(h.get_size(), 0)).hexdigest())',
      'h.shutdown()',
    ].join('\n');
    expect(run('/usr/bin/python3', ['-c', script], { cwd: folder }).toString().trim()).toBe(digest);
  });

  it('serves on a socket that its client passes', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const digest = output(['hash', ...layers], { cwd: folder });
    run('nbdcopy', ['--', '[', process.execPath, MAIN, 'serve', ...layers, ']', 'live.img'], { cwd: folder });
    expect(sha256Of(join(folder, 'live.img'))).toBe(digest);
  });

  it('ends with the command that it runs, and as that ends', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const served = blockloom(
      ['serve', ...layers, '--socket', 'disk.sock', '--run', 'test -S "$unixsocket" && exit 7'],
      {
        cwd: folder,
      },
    );
    expect(served).toMatchObject({ status: 7, stderr: '' });
    expect(existsSync(join(folder, 'disk.sock'))).toBe(false);
  });

  it('ends when its last client has gone', async () => {
    const folder = scratch();
    const server = startBlockloom(['serve', ...writeLayers(folder), '--exit-when-idle'], { cwd: folder });
    const ended = statusOf(server);
    run('nbdinfo', ['--size', await uriOf(server)]);
    expect(await ended).toBe(0);
  });

  it('ends with its parent', async () => {
    const folder = scratch();
    const layers = writeLayers(folder).join(' ');
    const script = `'${process.execPath}' '${MAIN}' serve ${layers} --no-cache --socket disk.sock --exit-with-parent & sleep 100`;
    const parent = spawn('sh', ['-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    await uriOf(parent);
    parent.kill('SIGKILL');
    await expect.poll(() => existsSync(join(folder, 'disk.sock')), { timeout: 10_000 }).toBe(false);
  });

  it('serves no wrong byte of a layer that changes', async () => {
    const folder = scratch();
    const [base] = writeLayers(folder);
    const server = startBlockloom(['serve', base, '--log', 'json'], { cwd: folder });
    const uri = await uriOf(server);
    const lines: string[] = [];
    server.stderr?.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
    appendFileSync(join(folder, base), 'more');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(() => run('nbdcopy', [uri, join(folder, 'live.img')])).toThrow(/Input\/output error/);
    await expect.poll(() => lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'error',
      message: expect.stringContaining(base) as string,
    });
  });

  it('refuses what it cannot serve on in one line', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const refused = (...args: string[]): string => {
      const { status, stderr } = blockloom(['serve', ...layers, ...args], { cwd: folder });
      expect(status).toBe(2);
      return stderr.trim();
    };
    expect(refused('--socket', layers[0])).toMatch(/^blockloom: .*is there and no socket$/);
    expect(refused('--port', '0', '--bind', '0.0.0.0')).toMatch(/^blockloom: .*without TLS/);
    expect(refused('--tls', 'require')).toMatch(/^blockloom: TLS needs a certificate/);
    expect(refused('--tls', 'require', '--tls-psk', 'absent')).toMatch(/^blockloom: cannot read absent/);
  });
});
