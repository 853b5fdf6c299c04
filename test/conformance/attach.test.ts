import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Attached, startAttach } from '../helpers/attached.ts';
import { blockloom, MAIN, output, writeLayers } from '../helpers/cli.ts';
import { eventually } from '../helpers/nbd-socket.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

/** A folder with layers, and the digest of their image. */
function prepared(): { folder: string; image: readonly string[]; sha256: string } {
  const folder = scratch();
  const image = [...writeLayers(folder), '--label', 'attached'];
  return { folder, image, sha256: output(['hash', ...image], { cwd: folder }) };
}

const BRIDGES = ['qemu-storage-daemon', 'nbdfuse'] as const;

/** What `attach --exec` says when it has ended; expects that nothing is left of it. */
async function outcome(attached: Attached): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { code } = await attached.ended;
  attached.expectNothingLeft();
  return { code, stdout: attached.stdout(), stderr: attached.stderr() };
}

/** A program of this name that does what a shell script says, in a folder to be put on PATH. */
function fakeProgram(folder: string, name: string, script: string): string {
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
  return `${programs}:${process.env['PATH']}`;
}

describe.skipIf(!requireTools('root', 'qemu-storage-daemon', 'nbdfuse'))('an attached image', () => {
  it.each(BRIDGES)('is a file by FUSE, of its digest, through %s', async (bridge) => {
    const { folder, image, sha256 } = prepared();
    const command = 'sha256sum "$disk" && stat -c %s "$disk" && exit 7';
    const attached = startAttach([...image, '--as', 'fuse', '--bridge', bridge, '--exec', '--run', command], folder);
    const { code, stdout, stderr } = await outcome(attached);
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${sha256}  \\S+\n\\d+\n$`));
  });

  it.each(BRIDGES)('is a file where it is asked for, through %s, until a signal', async (bridge) => {
    const { folder, image, sha256 } = prepared();
    const path = join(folder, 'disk, raw.img');
    const attached = startAttach([...image, '--as', 'fuse', '--bridge', bridge, '--at', path, '--exec'], folder);
    await eventually(() => attached.stdout() !== '');
    expect(attached.stdout()).toBe(`${path}\n`);
    expect(run('sha256sum', [path]).toString()).toContain(sha256);
    attached.process.kill('SIGTERM');
    expect(await outcome(attached)).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(path)).toBe(false);
  });

  it('can be written through FUSE, and is as it was', async () => {
    const { folder, image, sha256 } = prepared();
    const command =
      'printf written | dd of="$disk" bs=1 seek=5000 conv=notrunc status=none && tail -c +5001 "$disk" | head -c 7';
    const writable = ['--as', 'fuse', '--writable', '--free', '1M', '--exec', '--run', command];
    expect(await outcome(startAttach([...image, ...writable], folder))).toMatchObject({ code: 0, stdout: 'written' });
    expect(output(['hash', ...image], { cwd: folder })).toBe(sha256);
  });

  it('is the same at a vhost-user socket, an NBD socket and in a file', async () => {
    const { folder, image, sha256 } = prepared();
    const ways = [
      ['vhost-user', 'test -S "$disk" && echo there', 'there\n'],
      ['nbd', 'qemu-img convert -f raw -O raw "$disk" copy && sha256sum copy', `${sha256}  copy\n`],
      ['file', 'sha256sum <"$disk"', `${sha256}  -\n`],
    ] as const;
    for (const [as, command, stdout] of ways) {
      const attached = startAttach([...image, '--as', as, '--exec', '--run', command], folder);
      expect(await outcome(attached)).toEqual({ code: 0, stdout, stderr: '' });
    }
  });

  it('is one of several, each a file of its own', async () => {
    const { folder, image, sha256 } = prepared();
    const [first = '', second = ''] = image;
    writeFileSync(join(folder, 'name'), 'x');
    const named = [`one=${first}`, `one=${second}`, 'other=name.tar', ...image.slice(2)];
    run('tar', ['-cf', 'name.tar', 'name'], { cwd: folder });
    const other = output(['hash', 'name.tar', ...image.slice(2)], { cwd: folder });
    const command = 'for each; do sha256sum <"$each"; done; sha256sum <"$disk"';
    for (const as of ['fuse', 'file']) {
      const attached = startAttach([...named, '--as', as, '--exec', '--quiet', '--run', command], folder);
      const stdout = [sha256, other, sha256].map((digest) => `${digest}  -\n`).join('');
      expect(await outcome(attached)).toEqual({ code: 0, stdout, stderr: '' });
    }
  });

  it('may be of a layer on standard input', () => {
    const { folder, image, sha256 } = prepared();
    const [first = '', ...more] = image;
    const args = ['attach', '-', ...more, '--as', 'fuse', '--exec', '--run', 'sha256sum <"$disk"'];
    const { status, stdout } = blockloom(args, { cwd: folder, input: readFileSync(join(folder, first)) });
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${sha256}  -\n` });
    expect(blockloom(['attach', '-', '--as', 'fuse'], { cwd: folder })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('standard input is for --exec'),
    });
  });

  it('is the file that it is already', async () => {
    const { folder, image, sha256 } = prepared();
    output(['build', ...image, '-o', 'disk.img'], { cwd: folder });
    for (const as of ['file', 'fuse']) {
      const attached = startAttach(['disk.img', '--as', as, '--exec', '--run', 'sha256sum <"$disk"'], folder);
      expect(await outcome(attached)).toEqual({ code: 0, stdout: `${sha256}  -\n`, stderr: '' });
    }
    const refused = blockloom(['attach', 'disk.img', '--as', 'file', '--writable', '--exec'], { cwd: folder });
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('give it a copy') });
  });
});

describe.skipIf(!requireTools('root', 'qemu-storage-daemon', 'nbdfuse'))('nothing is left of an attached image', () => {
  const WAYS = [
    ['fuse', 'qemu-storage-daemon'],
    ['fuse', 'nbdfuse'],
    ['vhost-user', 'qemu-storage-daemon'],
  ] as const;

  /** One that runs a command which has its disk open and ends by itself only after long. */
  async function running(as: string, bridge: string): Promise<Attached> {
    const { folder, image } = prepared();
    // One process, as VMMs are, whose command line tells what it belongs to.
    const command = `echo running; exec sh -c 'read line' "$disk"${as === 'fuse' ? ' 3<"$disk"' : ''}`;
    const attached = startAttach([...image, '--as', as, '--bridge', bridge, '--exec', '--run', command], folder);
    await eventually(() => attached.stdout() === 'running\n');
    return attached;
  }

  it.each(WAYS)('as %s through %s when its bridge is killed', async (as, bridge) => {
    const attached = await running(as, bridge);
    process.kill(attached.processOf(bridge), 'SIGKILL');
    const { code, stderr } = await outcome(attached);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `blockloom: ${bridge} ended by SIGKILL while its disk was in use\n`,
    });
  });

  it.each(WAYS)('as %s through %s when its VMM is killed', async (as, bridge) => {
    const attached = await running(as, bridge);
    process.kill(attached.processOf('sh'), 'SIGKILL');
    expect(await outcome(attached)).toMatchObject({ code: 137, stderr: '' });
  });

  it.each(WAYS)('as %s through %s when it is killed', async (as, bridge) => {
    const attached = await running(as, bridge);
    attached.process.kill('SIGKILL');
    expect(await attached.ended).toMatchObject({ signal: 'SIGKILL' });
    await vi.waitFor(() => attached.expectNothingLeft(), { timeout: 20_000 });
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('when it gets %s, once or more often', async (signal, status) => {
    const attached = await running('fuse', 'qemu-storage-daemon');
    // The same one: which of two different signals that are pending together comes first is not defined.
    for (let times = 0; times < 3; times++) attached.process.kill(signal);
    expect(await outcome(attached)).toMatchObject({ code: status, stderr: '' });
  });

  it('when the VMM or the bridge is not there, which it says', async () => {
    const { folder, image } = prepared();
    const vmm = startAttach([...image, '--vmm', 'firecracker', '--kernel', 'k', '--exec'], folder);
    expect(await outcome(vmm)).toEqual({ code: 1, stdout: '', stderr: 'blockloom: firecracker is not installed\n' });
    const bridge = startAttach([...image, '--as', 'fuse', '--exec'], folder, {
      PATH: fakeProgram(folder, 'x', '').split(':')[0] ?? '',
    });
    expect(await outcome(bridge)).toEqual({
      code: 1,
      stdout: '',
      stderr: "blockloom: qemu-storage-daemon is not installed; Debian's package qemu-system-common has it\n",
    });
  });

  it('when the bridge fails, or the image', async () => {
    const { folder, image } = prepared();
    const PATH = fakeProgram(folder, 'qemu-storage-daemon', 'echo no disk today >&2; exit 3');
    const failing = await outcome(startAttach([...image, '--as', 'fuse', '--exec'], folder, { PATH }));
    expect(failing).toEqual({
      code: 1,
      stdout: '',
      stderr: 'no disk today\nblockloom: qemu-storage-daemon ended with status 3 without a disk\n',
    });
    writeFileSync(join(folder, 'bad.tar'), 'x'.repeat(1024));
    const bad = await outcome(startAttach(['bad.tar', '--as', 'fuse', '--exec'], folder));
    expect(bad).toMatchObject({ code: 3, stdout: '' });
  });

  it('but a file that was there, over which nothing is mounted', async () => {
    const { folder, image } = prepared();
    writeFileSync(join(folder, 'mine'), 'mine');
    const attached = startAttach([...image, '--as', 'fuse', '--at', 'mine', '--exec'], folder);
    expect(await outcome(attached)).toMatchObject({ code: 1, stderr: `blockloom: ${join(folder, 'mine')} exists\n` });
    expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('mine');
  });
});

describe.skipIf(!requireTools('root', 'qemu-storage-daemon', 'nbdfuse', 'dash', 'bash'))('the script of a plan', () => {
  const SHELLS = ['dash', 'bash'] as const;

  /** Runs the script that `blockloom attach ARGS` prints. */
  function runScript(shell: string, args: readonly string[], cwd: string): ReturnType<typeof blockloom> {
    const script = output(['attach', ...args], { cwd, env: { TMPDIR: cwd } });
    const PATH = fakeProgram(cwd, 'blockloom', `exec ${process.execPath} ${MAIN} "$@"`);
    writeFileSync(join(cwd, 'script'), `${script}\necho "status $?"`);
    return { status: 0, stderr: '', stdout: run('env', [`PATH=${PATH}`, shell, 'script'], { cwd }).toString() };
  }

  it.each(SHELLS.flatMap((shell) => BRIDGES.map((bridge) => [shell, bridge] as const)))(
    'works in %s with %s, and leaves nothing',
    (shell, bridge) => {
      const { folder, image, sha256 } = prepared();
      const command = ['--bridge', bridge, '--run', 'sha256sum <"$disk"; exit 7'];
      const { stdout } = runScript(shell, [...image, '--as', 'fuse', ...command], folder);
      expect(stdout).toBe(`${sha256}  -\nstatus 7\n`);
      expect(
        run('sh', ['-c', `ls -d ${folder}/blockloom-* 2>&1 || grep -c ${folder} /proc/mounts || true`]).toString(),
      ).toMatch(/\n0\n$/);
    },
  );

  it.each(SHELLS)('writes a file in %s, and ends where a step fails', (shell) => {
    const { folder, image, sha256 } = prepared();
    const { stdout } = runScript(shell, [...image, '--as', 'file', '--run', 'sha256sum <"$disk"'], folder);
    expect(stdout).toMatch(new RegExp(`${sha256}  -\nstatus 0\n$`));
    const failed = runScript(shell, ['missing.tar', '--as', 'vhost-user', '--run', 'echo not reached'], folder);
    expect(failed.stdout).toBe('status 1\n');
  });
});
