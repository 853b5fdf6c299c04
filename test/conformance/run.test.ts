import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blockloom, type CliOptions, type CliResult, output, startBlockloom } from '../helpers/cli.ts';
import { bootstrap, releaseOfApt } from '../helpers/debian.ts';
import { canStartGuests, debianKernel } from '../helpers/guest.ts';
import { writeLayout } from '../helpers/oci-layout.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools } from '../helpers/tools.ts';

const BUSYBOX = '/bin/busybox';
const APPLETS = ['sh', 'id', 'cat', 'sleep', 'touch', 'ls', 'wc', 'stty'];

const areGuestsPossible = canStartGuests() && requireTools('busybox');

/** A small system: busybox under some of its names, and users. */
function system(): Uint8Array {
  return makeTar([
    { name: 'bin/' },
    { name: 'bin/busybox', mode: 0o755, data: readFileSync(BUSYBOX) },
    ...APPLETS.map((name) => ({ name: `bin/${name}`, type: 'symlink', linkName: 'busybox' }) as const),
    { name: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n' },
    { name: 'etc/group', data: 'root:x:0:\nweb:x:1001:\nlogs:x:2000:bin,web\n' },
    { name: 'proc/' },
  ]);
}

/** A folder with the system as a tar and as a container image. */
function prepared(config: Readonly<Record<string, unknown>> = {}): string {
  const folder = scratch();
  const tar = system();
  writeFileSync(join(folder, 'system.tar'), tar);
  writeLayout(join(folder, 'image'), [{ layers: [tar], config }]);
  return folder;
}

const MACHINE = ['--accel', 'tcg', '--cpus', '1', '--memory', '256M'];
const image = (): string[] => [...MACHINE, '--kernel', debianKernel()];

function run(args: readonly string[], options: CliOptions): CliResult {
  return blockloom(['run', ...image(), ...args], options);
}

describe.skipIf(!areGuestsPossible)('run', () => {
  it("runs a container image's entry point as its configuration says, and ends with its status", () => {
    const cwd = prepared({
      User: 'web',
      Env: ["GREETING=it's here", 'EMPTY=', 'PATH=/nowhere:/bin'],
      Entrypoint: ['sh', '-c', 'id; pwd; echo "$GREETING$EMPTY"; echo "$@"; cat; echo wrong >&2; exit 7', 'sh'],
      Cmd: ['not', 'this'],
      WorkingDir: '/srv/made here',
    });
    const { status, stdout, stderr } = run(['oci:image', '--', '--', 'a  b', "c'd"], {
      cwd,
      input: Buffer.from('given\n'),
    });
    expect(stdout.split('\n')).toEqual([
      'uid=1000(web) gid=1001(web) groups=1001(web),2000(logs)',
      '/srv/made here',
      "it's here",
      "-- a  b c'd",
      'given',
      '',
    ]);
    expect([status, stderr]).toEqual([7, 'wrong\n']);
  });

  it('passes bytes on as they are', () => {
    const cwd = prepared({ Cmd: ['/bin/cat'] });
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i) % 256));
    const { status, stdout } = run(['oci:image'], { cwd, input: bytes });
    expect(status).toBe(0);
    expect(Buffer.from(stdout, 'latin1').equals(bytes)).toBe(true);
  });
});

describe.skipIf(!areGuestsPossible)('a guest of run', () => {
  it('boots in a microvm that is emulated, which is told how fast its clock is', () => {
    const cwd = prepared();
    const args = ['--machine', 'microvm', '--cpus', '2', 'system.tar'];
    expect(run([...args, '--dry-run', '--', 'true'], { cwd }).stdout).toMatch(/-append '[^']* tsc_early_khz=\d{6,7} /);
    const { status, stdout } = run([...args, '--', 'busybox', 'date', '+%Y'], { cwd });
    expect([status, Number(stdout)]).toEqual([0, new Date().getUTCFullYear()]);
  });

  it('writes over a read-only image, and what it writes is gone', () => {
    const cwd = prepared();
    const again = ['sh', '-c', '[ ! -e /bin/new ] && touch /bin/new && cat /bin/new && echo written'];
    for (const _ of [1, 2]) expect(run(['system.tar', '--', ...again], { cwd }).stdout).toBe('written\n');
  });

  it('keeps what it writes in a delta', () => {
    const cwd = prepared();
    const disk = ['system.tar', '--free', '4M', '--delta', 'delta'];
    expect(run([...disk, '--', 'sh', '-c', 'echo kept >/etc/kept; echo $$'], { cwd }).status).toBe(0);
    expect(run([...disk, '--', 'cat', '/etc/kept'], { cwd }).stdout).toBe('kept\n');
    expect(output(['cat', 'system.tar', '--free', '4M', '--delta', 'delta', '/etc/kept'], { cwd })).toBe('kept');
  });

  it("is that of a disk's root partition, whose delta is the disk's", () => {
    const cwd = prepared();
    output(['build', 'system.tar', '--disk', 'gpt', '--free', '4M', '-o', 'disk.img'], { cwd });
    const script = 'echo kept >/etc/kept; while read line; do echo "$line"; done </etc/group';
    const { stdout } = run(['disk.img', '--delta', 'delta', '--', 'sh', '-c', script], { cwd });
    expect(stdout).toBe('root:x:0:\nweb:x:1001:\nlogs:x:2000:bin,web\n');
    output(['commit', 'disk.img', '--delta', 'delta', '-o', 'new.img'], { cwd });
    expect(output(['cat', 'new.img', '/etc/kept'], { cwd })).toBe('kept');
    expect(output(['cat', 'disk.img', '--delta', 'delta', '/etc/kept'], { cwd })).toBe('kept');
  });

  it('says what a shell says of programs that are not there, and of those that a signal ends', () => {
    const cwd = prepared();
    const missing = run(['system.tar', '--', 'missing'], { cwd });
    expect([missing.status, missing.stderr]).toEqual([127, 'blockloom: missing: not found in PATH\n']);
    expect(run(['system.tar', '--', 'sh', '-c', 'sleep 100 & kill -9 $$'], { cwd }).status).toBe(137);
  });

  it('has standard input to open again, open files to spare, and names of its own', () => {
    const cwd = prepared();
    const script = 'cat /dev/stdin; cat /dev/stdin; ulimit -Hn; cat /etc/hostname; pwd';
    const args = ['--user', 'web', '--workdir', '/made', '--entrypoint', '', 'system.tar', '--', 'sh', '-c', script];
    const { status, stdout } = run(args, { cwd, input: Buffer.from('given\n') });
    expect([status, stdout]).toEqual([0, 'given\n524288\nblockloom\n/made\n']);
  });

  it('sends a signal on to the command, and leaves nothing behind', async () => {
    const cwd = prepared();
    const temporary = scratch();
    const script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 1 & wait; done";
    const args = ['run', ...image(), 'system.tar', '--', 'sh', '-c', script];
    const child = startBlockloom(args, { cwd, env: { TMPDIR: temporary } });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said === 'ready\n') child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect([said, status]).toEqual(['ready\ncaught\n', 9]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('ends at once while it boots', async () => {
    const cwd = prepared();
    const temporary = scratch();
    const args = ['run', ...image(), '--kernel-log', 'system.tar', '--', 'cat'];
    const child = startBlockloom(args, { cwd, env: { TMPDIR: temporary } });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stderr?.once('data', () => child.kill('SIGTERM'));
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect(status).toBe(143);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('has a terminal where that is wanted', () => {
    const cwd = prepared();
    const args = [
      'run',
      ...image(),
      '--console',
      'tty',
      'system.tar',
      '--',
      'sh',
      '-c',
      'stty size; test -t 0 && id -u; read -r line; echo "<$line>"',
    ];
    const { status, stdout } = blockloom(args, { cwd, input: Buffer.from('typed\n') });
    expect([status, stdout]).toEqual([0, 'typed\r\n24 80\r\n0\r\n<typed>\r\n']);
  });
});

/** The first program of a system without one: says what it sees, and powers off. */
const INIT = `#!/bin/sh
mount -o remount,rw / 2>/dev/null
echo "release $(cat /etc/debian_version), root $(stat -f -c %T /), process $$"
touch /written && echo written
echo o >/proc/sysrq-trigger
sleep 100
`;

describe.skipIf(!areGuestsPossible || !requireTools('debootstrap', 'tar', 'root'))("a system of debootstrap's", () => {
  it('boots its own first program, live from its layers and from the file of its image', () => {
    const cwd = scratch();
    const debian = bootstrap(releaseOfApt(), cwd);
    writeFileSync(join(cwd, 'init.tar'), makeTar([{ name: 'sbin/init', mode: 0o755, data: INIT }]));
    const live = run([debian, 'init.tar'], { cwd });
    expect([live.status, live.stdout]).toEqual([
      0,
      expect.stringMatching(/release 1\d.*, root overlayfs, process 1\r\nwritten\r\n/),
    ]);
    output(['build', debian, 'init.tar', '--free', '4M', '-o', 'disk.img'], { cwd });
    const written = run(['disk.img', '--writable'], { cwd });
    expect([written.status, written.stdout]).toEqual([
      0,
      expect.stringMatching(/root ext2\/ext3, process 1\r\nwritten\r\n/),
    ]);
  });
});
