import { type ChildProcess, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blockloom, type CliResult, MAIN, startBlockloom } from '../../helpers/cli.ts';
import { fakeGuest, type FakeQemu, fakeQemu } from '../../helpers/fake-qemu.ts';
import { LIMIT, requireTools } from '../../helpers/tools.ts';

function run({ args, cwd, env }: FakeQemu, input = ''): CliResult {
  return blockloom([...args, '--', 'command'], { cwd, env, input: Buffer.from(input) });
}

function start({ args, cwd, env }: FakeQemu): ChildProcess {
  const child = startBlockloom([...args, '--', 'command'], { cwd, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const ended = async (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('close', resolve));

/** Whether a process is there, and not just for its parent to ask how it ended. */
function isRunning(pid: string): boolean {
  const path = `/proc/${pid.trim()}/cmdline`;
  return existsSync(path) && readFileSync(path).length > 0;
}

const SAYS_PID = "require('node:fs').writeFileSync(process.env.TMPDIR + '/../pid', process.pid + '\\n');";

/** Waits until a script has said its number, and gives it. */
async function pidIn(path: string): Promise<string> {
  await expect.poll(() => existsSync(path) && readFileSync(path, 'utf8')).toMatch(/^\d+\n$/);
  return readFileSync(path, 'utf8');
}

describe('run, whatever QEMU does', () => {
  it.each([
    ['echo "qemu: no memory" >&2; exit 1', 'blockloom: the guest: qemu: no memory\n'],
    [
      'echo "[    0.5] Kernel panic - not syncing: VFS: no root"; exit 0',
      'blockloom: the guest: Kernel panic - not syncing: VFS: no root\n',
    ],
    ['echo "blockloom: the disk cannot be mounted"; exit 0', 'blockloom: the guest: the disk cannot be mounted\n'],
    [
      'exit 0',
      'blockloom: the guest: it ended (0) before its command did; --kernel-log shows what it said, --memory gives it more\n',
    ],
  ])('says why there was no command: %s', (script, expected) => {
    const fake = fakeQemu(`#!/bin/sh\n${script}\n`);
    const { status, stdout, stderr } = run(fake);
    expect([status, stdout, stderr]).toEqual([1, '', expected]);
    expect(readdirSync(fake.temporary)).toEqual([]);
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const fake = fakeGuest(SAYS_PID);
    const child = start(fake);
    const pid = await pidIn(join(fake.cwd, 'pid'));
    expect([isRunning(pid), readdirSync(fake.temporary)]).toEqual([true, [expect.stringMatching(/^blockloom-run-/)]]);
    child.kill('SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
    await expect.poll(() => readdirSync(fake.temporary)).toEqual([]);
  });

  it('ends it when nobody reads the output any more', async () => {
    const fake = fakeGuest(`
  ${SAYS_PID}
  const more = () => { while (stdout.write('y\\n'.repeat(10_000))); };
  stdout.on('drain', more);
  more();`);
    const child = start(fake);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended(child)).toBe(1);
    expect(isRunning(readFileSync(join(fake.cwd, 'pid'), 'utf8'))).toBe(false);
    expect(readdirSync(fake.temporary)).toEqual([]);
  });
});

const MANY = 100_000_000;

describe('what a command of run reads and writes', () => {
  it('is passed on, much of it and to the end', async () => {
    const fake = fakeGuest(`
  const hash = require('node:crypto').createHash('sha256');
  stdin.on('data', (chunk) => {
    hash.update(chunk);
    if (!stdout.write(chunk)) { stdin.pause(); stdout.once('drain', () => stdin.resume()); }
  });
  stdin.on('end', () => { stderr.write(hash.digest('hex')); end(5); });`);
    const child = start(fake);
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    let errors = '';
    child.stdout?.on('data', (chunk: Buffer) => received.update(chunk));
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const chunk = Buffer.alloc(1_000_000, 'loom');
    for (let i = 0; i < MANY / chunk.length; i++) {
      chunk.writeUInt32LE(i);
      sent.update(chunk);
      if (child.stdin?.write(Buffer.from(chunk)) === false)
        await new Promise<void>((resolve) => child.stdin?.once('drain', resolve));
    }
    child.stdin?.end();
    expect(await ended(child)).toBe(5);
    const expected = sent.digest('hex');
    expect([received.digest('hex'), errors]).toEqual([expected, expected]);
  });

  it('waits for who reads it, and is not kept in memory', async () => {
    const fake = fakeGuest(`
  let written = 0;
  const more = () => {
    do { written += 1e6; } while (stdout.write(Buffer.alloc(1e6)));
    require('node:fs').writeFileSync(process.env.TMPDIR + '/../written', String(written));
  };
  stdout.on('drain', more);
  more();`);
    const child = start(fake);
    child.stdout?.pause();
    const written = join(fake.cwd, 'written');
    const amount = (): number => (existsSync(written) ? Number(readFileSync(written, 'utf8')) : 0);
    await expect.poll(amount).toBeGreaterThan(0);
    await expect.poll(() => stillFor(amount)).toBe(true);
    expect(amount()).toBeLessThan(20e6);
  });
});

/** Whether a figure stays as it is for a while. */
async function stillFor(figure: () => number): Promise<boolean> {
  const before = figure();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return before > 0 && figure() === before;
}

const PTY = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
size = lambda rows, columns: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
if pid == 0:
    os.read(0, 1)
    os.execv(sys.argv[1], sys.argv[1:])
size(30, 100)
os.write(fd, b'\\n')
said = b''
while True:
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    said += chunk
    if b'at 30 100' in said and b'resized' not in said:
        said += b'resized '
        size(40, 120)
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(!requireTools('python3'))('a terminal of run', () => {
  it('has the size of this one, and each that it is given', () => {
    const script = fakeQemu(`#!${process.execPath}
const { Socket } = require('node:net');
const [terminal, control] = [3, 4].map((fd) => new Socket({ fd }));
let text = '', marker = '';
control.on('data', (chunk) => {
  const lines = (text + chunk).split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const words = line.split(' ');
    if (words[0] === 'go') { marker = words[1]; control.write('started\\n'); terminal.write('at ' + words.slice(2).join(' ') + '\\n'); }
    if (words[0] === 'size') { terminal.write('now ' + words.slice(1).join(' ') + '\\n' + marker); control.write('status 3\\n'); }
    if (words[0] === 'bye') process.exit(0);
  }
});
`);
    const { args, cwd, env } = script;
    const command = ['-c', PTY, process.execPath, MAIN, ...args, '--', 'command'];
    const { status, stdout, stderr } = spawnSync('python3', command, {
      ...LIMIT,
      cwd,
      env: { ...env, XDG_CACHE_HOME: cwd },
    });
    expect(stdout.toString() + stderr.toString()).toMatch(/at 30 100\r?\n.*now 40 120\r?\n/s);
    expect(status).toBe(3);
  });
});
