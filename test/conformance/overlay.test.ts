import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openImage, openMergedImage } from '../../src/index.ts';
import { Command } from '../../src/nbd/protocol.ts';
import { blockloom, output, startBlockloom, writeLayers } from '../helpers/cli.ts';
import { mountImage, unmount } from '../helpers/mount.ts';
import { eventually, type RawClient, rawClient } from '../helpers/nbd-socket.ts';
import { nbdsh } from '../helpers/nbd-tools.ts';
import { request } from '../helpers/nbd-wire.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const BLOCK = 4096;
/** How often a server is killed; BLOCKLOOM_KILLS asks for more. */
const KILLS = Number(process.env['BLOCKLOOM_KILLS'] ?? 15);

/** Starts a server on `disk.sock` of a folder and waits until it listens. */
async function start(folder: string, ...args: string[]): Promise<ChildProcess> {
  const server = startBlockloom(['serve', ...args, '--socket', 'disk.sock'], { cwd: folder });
  onTestFinished(() => void server.kill('SIGKILL'));
  let errors = '';
  server.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    server.stdout?.once('data', () => resolve());
    server.once('exit', (status) => reject(new Error(`the server ended with ${status}: ${errors}`)));
  });
  return server;
}

async function end(server: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  return new Promise((resolve) => {
    server.once('exit', resolve);
    server.kill(signal);
  });
}

/** What each block may hold: what was answered last, or anything that was asked for since. */
class Contents {
  readonly versions: number[][];

  constructor(blocks: number) {
    this.versions = Array.from({ length: blocks }, () => [-1]);
  }

  /** Everything so far has been answered. */
  settle(): void {
    for (const versions of this.versions) versions.splice(0, versions.length - 1);
  }
}

const TESTED_BLOCKS = 200;

/** Writes numbers, trims and sometimes flushes, in batches of which a block is in once, until the server is gone. */
async function writeUntilGone(client: RawClient, contents: Contents, pick: (below: number) => number): Promise<void> {
  const ask = async (requests: Buffer[]): Promise<void> => {
    client.send(...requests);
    for (const _ of requests) expect((await client.take(16)).readUInt32BE(4)).toBe(0);
  };
  for (;;) {
    const blocks = new Set(Array.from({ length: 1 + pick(12) }, () => pick(TESTED_BLOCKS)));
    const batch = [...blocks].map((block) => {
      const value = pick(5) === 0 ? 0 : 1 + pick(1 << 30);
      contents.versions[block]?.push(value);
      const offset = block * BLOCK;
      if (value === 0) return request({ type: Command.TRIM, offset, length: BLOCK });
      return request({ type: Command.WRITE, offset, payload: blockOf(value) });
    });
    await ask(batch);
    contents.settle();
    if (pick(8) === 0) await ask([request({ type: Command.FLUSH })]);
  }
}

function blockOf(value: number): Buffer {
  const words = new Uint32Array(BLOCK / 4).fill(value);
  return Buffer.from(words.buffer);
}

describe.skipIf(process.platform !== 'linux')('a kept delta', () => {
  it('has every write that was answered, however often the server is killed', async () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const image = await openImage({ layers: layers.map((name) => join(folder, name)), cache: join(folder, 'cache') });
    const base = Buffer.alloc(TESTED_BLOCKS * BLOCK);
    image.read(0, base);
    const pick = random(5);
    const contents = new Contents(TESTED_BLOCKS);
    for (let kill = 0; kill < KILLS; kill++) {
      const server = await start(folder, ...layers, '--delta', 'a.delta');
      const client = await (await rawClient(join(folder, 'disk.sock'))).go();
      const killed = new Promise<number | null>((resolve) => {
        setTimeout(() => resolve(end(server, 'SIGKILL')), pick(120));
      });
      await expect(writeUntilGone(client, contents, pick)).rejects.toThrow(/^closed after/);
      await killed;
      const merged = await openMergedImage(image, join(folder, 'a.delta'));
      const found = Buffer.alloc(BLOCK);
      for (const [block, versions] of contents.versions.entries()) {
        merged.read(block * BLOCK, found);
        const isAllowed = (value: number): boolean =>
          found.equals(value < 0 ? base.subarray(block * BLOCK, (block + 1) * BLOCK) : blockOf(value));
        const value = versions.findLast(isAllowed);
        expect({ kill, block, isAllowed: value !== undefined }).toEqual({ kill, block, isAllowed: true });
        versions.splice(0, versions.length, value ?? 0);
      }
      merged.close();
    }
    image.close();
  }, 600_000);

  it('is for one server at a time, and for the next when that is killed', async () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const server = await start(folder, ...layers, '--delta', 'a.delta');
    const refused = { status: 1, stderr: 'blockloom: a.delta: another process uses it\n' };
    expect(blockloom(['serve', ...layers, '--delta', 'a.delta', '--stdio'], { cwd: folder })).toMatchObject(refused);
    expect(blockloom(['commit', ...layers, '--delta', 'a.delta', '-o', 'new'], { cwd: folder })).toMatchObject(refused);
    await end(server, 'SIGKILL');
    output(['commit', ...layers, '--delta', 'a.delta', '-o', 'new'], { cwd: folder });
  });

  it('belongs to the same files, whatever they come as, and to no others', () => {
    const folder = scratch();
    const [base, app] = writeLayers(folder);
    run('sh', ['-c', `gzip -k ${base} && cp ${base} same.tar`], { cwd: folder });
    const at = readFileSync(join(folder, base)).indexOf('loom\n');
    const other = readFileSync(join(folder, base));
    other[at] = 'L'.charCodeAt(0);
    writeFileSync(join(folder, 'other.tar'), other);
    const commit = (...args: string[]): ReturnType<typeof blockloom> =>
      blockloom(['commit', ...args, '--delta', 'a.delta', '-o', 'new.img', '--force'], { cwd: folder });
    output(['serve', base, app, '--delta', 'a.delta', '--run', 'true'], { cwd: folder });
    const digest = output(['hash', base, app], { cwd: folder });
    const would = JSON.parse(commit('same.tar', app, '--dry-run', '--json').stdout) as object;
    expect(would).toMatchObject({ dryRun: true, file: 'new.img', replaces: false });
    expect(existsSync(join(folder, 'new.img'))).toBe(false);
    expect(commit('same.tar', app).stdout).toBe(`${digest}  new.img\n`);
    expect(commit(`${base}.gz`, app, '--json').stdout).toMatch(new RegExp(`^{"file":"new.img","sha256":"${digest}",`));
    const streamed = blockloom(['commit', base, app, '--delta', 'a.delta', '-o', '-'], { cwd: folder });
    expect(streamed).toMatchObject({ status: 0, stderr: `${digest}  -\n` });
    expect(streamed.stdout).toBe(readFileSync(join(folder, 'new.img'), 'latin1'));
    expect(commit('other.tar', app)).toMatchObject({ status: 3, stdout: '' });
    expect(commit('other.tar', app).stderr).toMatch(/^blockloom: a\.delta: it belongs to an image of .*\n$/);
    expect(commit(base)).toMatchObject({ status: 3 });
  });
});

const WRITE_UNTIL_FULL = `
size = h.get_size()
blocks = 0
try:
  while True:
    h.pwrite(b'x' * 4096, blocks * 8192)
    blocks += 1
except nbd.Error as error:
  print(errno.errorcode[error.errnum])
h.flush()
for i in range(blocks):
  assert h.pread(4096, i * 8192) == b'x' * 4096
h.trim(8 * 8192, 0)
h.flush()
h.pwrite(b'y' * 4096, blocks * 8192)
h.flush()
print(blocks)`;

describe.skipIf(!requireTools('root', 'nbdsh'))('a full disk', () => {
  it.each([
    ['kept delta', ['--delta', 'full/a.delta']],
    ['delta that is thrown away', ['--writable']],
  ])('under a %s is ENOSPC, and loses nothing that was answered', async (kind, args) => {
    const folder = scratch();
    const layers = [...writeLayers(folder), '--free', '8M'];
    mkdirSync(join(folder, 'full'));
    run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', join(folder, 'full')]);
    onTestFinished(() => void run('umount', ['-l', join(folder, 'full')]));
    const child = startBlockloom(['serve', ...layers, ...args, '--socket', 'disk.sock'], {
      cwd: folder,
      env: { TMPDIR: join(folder, 'full') },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const [code, blocks] = (await nbdsh(join(folder, 'disk.sock'), `h.connect_unix(path)${WRITE_UNTIL_FULL}`)).split(
      '\n',
    );
    expect(code).toBe('ENOSPC');
    expect(Number(blocks)).toBeGreaterThan(200);
    expect(await end(child, 'SIGTERM')).toBe(0);
    if (kind !== 'kept delta') return;
    output(['commit', ...layers, '--delta', 'full/a.delta', '-o', 'new.img'], { cwd: folder });
    const bytes = readFileSync(join(folder, 'new.img'));
    const found = Array.from({ length: Number(blocks) + 1 }, (_, i) =>
      bytes.toString('latin1', i * 8192, i * 8192 + 1),
    );
    expect(found.join('')).toBe(`${'\0'.repeat(8)}${'x'.repeat(Number(blocks) - 8)}y`);
  });
});

describe.skipIf(!requireTools('nbdsh', 'nbdinfo', 'nbdcopy', 'qemu-io', 'fio'))('a writable export', () => {
  it('is one disk for all clients, and as before for the next server', async () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const server = await start(folder, ...layers, '--writable');
    const script = `
other = nbd.NBD()
other.connect_unix(path)
h.connect_unix(path)
assert h.can_multi_conn() and h.can_trim() and h.can_zero() and h.can_fast_zero() and not h.is_read_only()
h.pwrite(b'abc', 5000)
assert other.pread(5, 4999)[1:4] == b'abc'
other.zero(8192, 0, nbd.CMD_FLAG_FAST_ZERO)
assert h.pread(8192, 0) == bytes(8192)
print('same')`;
    expect(await nbdsh(join(folder, 'disk.sock'), script)).toBe('same');
    expect(await end(server, 'SIGTERM')).toBe(0);
    const digest = output(['hash', ...layers], { cwd: folder });
    output(['serve', ...layers, '--writable', '--run', 'nbdcopy "$uri" live.img'], { cwd: folder });
    expect(output(['verify', 'live.img', ...layers], { cwd: folder })).toBe(`same ${digest}`);
  });

  it('with --per-connection is a disk for each client', async () => {
    const folder = scratch();
    await start(folder, ...writeLayers(folder), '--per-connection');
    const script = `
other = nbd.NBD()
other.connect_unix(path)
h.connect_unix(path)
assert not h.can_multi_conn() and not h.is_read_only()
before = other.pread(4096, 4096)
h.pwrite(b'abc', 5000)
assert h.pread(3, 5000) == b'abc'
assert other.pread(4096, 4096) == before
print('apart')`;
    expect(await nbdsh(join(folder, 'disk.sock'), script)).toBe('apart');
  });

  it('holds what clients verify, and leaves no file behind', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    mkdirSync(join(folder, 'tmp'));
    const fio =
      'fio --name=v --ioengine=nbd --uri="$uri" --rw=randwrite --bsrange=512-64k --size=16m --io_size=24m --iodepth=16 --verify=crc32c --do_verify=1 --output=fio.txt';
    const patterns =
      'qemu-io -f raw -c "write -P 7 1000 9000" -c "write -z -u 4k 8k" -c "read -P 0 4k 5k" -c "read -P 7 1000 3096" "$uri"';
    for (const args of [['--writable'], ['--delta', 'a.delta']]) {
      output(['serve', ...layers, '--free', '16M', ...args, '--run', `${fio} && ${patterns}`], {
        cwd: folder,
        env: { TMPDIR: join(folder, 'tmp') },
      });
    }
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('takes another image, and commits it', () => {
    const folder = scratch();
    const [base, app] = writeLayers(folder);
    const other = output(['build', app, '--size', '8M', '-o', 'other.img'], { cwd: folder }).slice(0, 64);
    const flags = [base, '--size', '8M', '--delta', 'a.delta'];
    output(['serve', ...flags, '--run', 'nbdcopy --flush other.img "$uri"'], { cwd: folder });
    expect(output(['commit', ...flags, '-o', 'new.img'], { cwd: folder })).toBe(`${other}  new.img`);
    expect(statSync(join(folder, 'new.img')).blocks * 512).toBeLessThan(1 << 20);
    const again = blockloom(['commit', ...flags, '-o', 'new.img'], { cwd: folder });
    expect(again).toMatchObject({ status: 1, stderr: 'blockloom: new.img exists; --force replaces it\n' });
    expect(blockloom(['commit', ...flags, '-o', 'a.delta', '--force'], { cwd: folder })).toMatchObject({ status: 2 });
  });
});

describe.skipIf(!requireTools('root', 'nbdfuse', 'e2fsck'))('a filesystem that is written through an export', () => {
  it('is sound when it is committed, with what was written', async () => {
    const folder = scratch();
    const layers = [...writeLayers(folder), '--free', '16M'];
    mkdirSync(join(folder, 'fuse'));
    const file = join(folder, 'fuse/disk');
    const server = startBlockloom(
      ['serve', ...layers, '--delta', 'a.delta', '--run', `exec nbdfuse '${file}' "$uri"`],
      { cwd: folder },
    );
    onTestFinished(() => void server.kill('SIGKILL'));
    await eventually(() => readdirSync(join(folder, 'fuse')).includes('disk'));
    const ended = new Promise((resolve) => server.once('exit', resolve));
    const mounted = mountImage(file, 'rw');
    const written = Buffer.alloc(3_000_000, 'written through the export\n');
    writeFileSync(join(mounted, 'srv/written'), written);
    run('rm', [join(mounted, 'etc/hostname')]);
    run('sync', ['-f', mounted]);
    unmount(mounted);
    run('umount', [join(folder, 'fuse')]);
    expect(await ended).toBe(0);
    output(['commit', ...layers, '--delta', 'a.delta', '-o', 'new.img'], { cwd: folder });
    e2fsck(join(folder, 'new.img'));
    const committed = mountImage(join(folder, 'new.img'));
    expect(readFileSync(join(committed, 'srv/written')).equals(written)).toBe(true);
    expect(readdirSync(join(committed, 'etc'))).toEqual([]);
  });
});
