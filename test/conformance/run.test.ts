import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, type CliOptions, type CliResult } from '../helpers/cli.ts';
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
