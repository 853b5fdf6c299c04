import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startAttach } from '../helpers/attached.ts';
import { output, writeLayers } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run, skipped } from '../helpers/tools.ts';

const DEVICE = '/dev/nbd0';
const hasDevice = !skipped(!existsSync('/sys/block/nbd0'), 'there is no nbd in the kernel');

describe.skipIf(!hasDevice || !requireTools('root', 'nbd-client'))('the kernel of the host', () => {
  it('has the image as its block device, until the end', async () => {
    const folder = scratch();
    const image = writeLayers(folder);
    const sha256 = output(['hash', ...image], { cwd: folder });
    const command = ['--as', 'nbd-device', '--at', DEVICE, '--exec', '--run', 'sha256sum <"$disk"'];
    const attached = startAttach([...image, ...command], folder);
    expect(await attached.ended).toMatchObject({ code: 0 });
    expect(attached.stdout()).toContain(`${sha256}  -\n`);
    attached.expectNothingLeft();
    expect(existsSync('/sys/block/nbd0/pid')).toBe(false);
  });
});

/** A script in place of nbd-client, for machines whose kernel has no nbd: what it was told, and how attaching ended. */
async function told(status: number): Promise<{ lines: string[]; code: number | null; stderr: string; device: string }> {
  const folder = scratch();
  const device = join(folder, 'nbd');
  run('mknod', [device, 'b', '43', '4096']);
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  writeFileSync(join(programs, 'nbd-client'), `#!/bin/sh\necho "$@" >>${folder}/told\nexit ${status}\n`);
  chmodSync(join(programs, 'nbd-client'), 0o755);
  const env = { PATH: `${programs}:${process.env['PATH']}` };
  const command = ['--as', 'nbd-device', '--at', device, '--exec', '--run', `echo run "$disk" >>${folder}/told`];
  const attached = startAttach([...writeLayers(folder), ...command], folder, env);
  const { code } = await attached.ended;
  attached.expectNothingLeft();
  const lines = readFileSync(join(folder, 'told'), 'utf8').trim().split('\n');
  return { lines, code, stderr: attached.stderr(), device };
}

describe.skipIf(!requireTools('root', 'mknod'))('nbd-client', () => {
  it('connects the device, and disconnects it when the VMM has ended', async () => {
    const { lines, code, stderr, device } = await told(0);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^-unix \\S+/nbd.sock -N disk ${device} -b 4096$`)),
      expect.stringMatching(/^run /),
      `-d ${device}`,
    ]);
  });

  it('is not told to disconnect a device that it did not connect', async () => {
    const { lines, code, stderr } = await told(1);
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'blockloom: nbd-client ended with status 1\n' });
    expect(lines).toHaveLength(1);
  });
});
