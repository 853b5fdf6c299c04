import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
  // The command line has no words for the partitions of a disk.
  const cases = [...CASES].filter(([, { disk }]) => disk === undefined);
  it.each(cases)('serves what build writes: %s', (name, { layers, options }) => {
    const folder = scratch();
    const files = layers.map((entries, i) => {
      writeFileSync(join(folder, `${i}.tar`), makeTar(entries));
      return `${i}.tar`;
    });
    const { blockSize, placement, label, mtime, owner, chmodMask, free, features } = options ?? {};
    const { verity, fsverity = [], fs, fatBits, fatCompat, journal, mountOptions, size, uuid } = options ?? {};
    const freeText = typeof free === 'object' ? `${free.percent}%` : free;
    const flags = Object.entries({
      '--block-size': blockSize,
      '--placement': placement,
      '--label': label,
      '--mtime': mtime,
      '--owner': owner && `${owner.uid}:${owner.gid}`,
      '--chmod-mask': chmodMask?.toString(8),
      '--free': freeText,
      '--feature': features?.join(),
      '--fs': fs,
      '--fat-bits': fatBits,
      '--uuid':
        uuid &&
        Buffer.from(uuid)
          .toString('hex')
          .replace(/^.{4}(?=.{4}$)/, '$&-'),
      '--fat-compat': fatCompat,
      '--journal': journal === true ? 'auto' : undefined,
      '--mount-opts': mountOptions?.join(),
      '--size': size,
    }).flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
    if (verity === true) flags.push('--verity');
    for (const pattern of fsverity) flags.push('--fsverity', pattern);
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
    const errors = (): unknown[] => lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'error');
    await expect.poll(errors).toHaveLength(1);
    expect(errors()[0]).toMatchObject({
      event: 'error',
      message: expect.stringContaining(base) as string,
    });
  });

  it('serves the layers that have not changed on', async () => {
    const folder = scratch();
    const files = ['below.tar', 'above.tar'];
    for (const name of files) writeFileSync(join(folder, name), makeTar([{ name, data: Buffer.alloc(50_000, name) }]));
    output(['build', ...files, '-o', 'disk.img'], { cwd: folder });
    const disk = readFileSync(join(folder, 'disk.img'));
    const uri = await uriOf(startBlockloom(['serve', ...files], { cwd: folder }));
    appendFileSync(join(folder, 'above.tar'), 'more');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const read = (name: string): string => {
      const at = disk.indexOf(name.repeat(100));
      return `h.pread(4096, ${at})`;
    };
    const script = [
      'import nbd, hashlib',
      'h = nbd.NBD()',
      `h.connect_uri(${JSON.stringify(uri)})`,
      `print(hashlib.sha256(${read('below.tar')} + h.pread(4096, 0)).hexdigest())`,
      `try:\n  ${read('above.tar')}\nexcept nbd.Error as error:\n  print(error.errnum)`,
    ].join('\n');
    const at = disk.indexOf('below.tar'.repeat(100));
    const expected = createHash('sha256')
      .update(disk.subarray(at, at + 4096))
      .update(disk.subarray(0, 4096));
    expect(run('/usr/bin/python3', ['-c', script]).toString()).toBe(`${expected.digest('hex')}\n5\n`);
  });

  it('serves several images, from layers and from a file', async () => {
    const folder = scratch();
    const [base, app] = writeLayers(folder);
    const digest = output(['build', base, app, '-o', 'disk.img'], { cwd: folder }).slice(0, 64);
    const alone = output(['hash', base], { cwd: folder });
    const args = ['serve', `root=${base}`, `root=${app}`, `base=${base}`, 'file=disk.img'];
    const uris = (await uriOf(startBlockloom([...args, '--no-structured'], { cwd: folder }))).split('\n');
    const digests = uris.map((uri) => {
      run('nbdcopy', [uri, join(folder, 'live.img')]);
      return sha256Of(join(folder, 'live.img'));
    });
    expect(digests).toEqual([digest, alone, digest]);
    expect(JSON.parse(run('nbdinfo', ['--json', uris[0] ?? '']).toString())).toMatchObject({ structured: false });
  });

  it('tells its counters and its connections', async () => {
    const folder = scratch();
    const server = startBlockloom(
      ['serve', ...writeLayers(folder), '--log', 'json', '--metrics', 'localhost:0', '--slow', '0'],
      { cwd: folder },
    );
    const lines: Record<string, unknown>[] = [];
    server.stderr?.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line));
    });
    run('nbdcopy', ['--no-extents', await uriOf(server), join(folder, 'live.img')]);
    const events = (): unknown[] => lines.map(({ event }) => event);
    await expect.poll(events).toContain('closed');
    server.kill('SIGUSR1');
    await expect.poll(events).toContain('counters');
    expect(events()).toEqual(expect.arrayContaining(['opened', 'slow']));
    const { message: url } = lines.find(({ event }) => event === 'metrics') ?? {};
    const text = await (await fetch(String(url))).text();
    expect(text).toContain(`blockloom_read_bytes_total ${statSync(join(folder, 'live.img')).size}\n`);
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
