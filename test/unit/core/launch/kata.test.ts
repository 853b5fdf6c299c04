import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launchKata } from '../../../../src/core/launch/kata.ts';
import { LAUNCH, oneDisk } from '../../../helpers/launch-options.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { run } from '../../../helpers/tools.ts';

const INFO = '"metadata":{},"options":["ro"]}';

describe('launchKata', () => {
  it("tells Kata's runtime in Rust of a file", () => {
    const disk = { as: 'file', path: '/v/disk.img' } as const;
    expect(launchKata({ ...LAUNCH, disks: oneDisk(disk), readOnly: true }).argv).toEqual([
      'kata-ctl',
      'direct-volume',
      'add',
      '/v/disk.img',
      `{"volume-type":"directvol","device":"/v/disk.img","fstype":"ext4",${INFO}`,
    ]);
    expect(launchKata({ ...LAUNCH, disks: oneDisk(disk, 'ext2') }).argv.at(-1)).toContain('"fstype":"ext2"');
  });

  it('refuses a file that does not stay', () => {
    expect(() => launchKata(LAUNCH)).toThrow('Kata keeps its volumes: --at FILE is missing');
  });

  it("tells Kata's runtime in Go of a device until it is ended", () => {
    const directory = scratch();
    const log = join(directory, 'log');
    writeFileSync(join(directory, 'kata-runtime'), `#!/bin/sh\necho "$@" >>${log}\n`);
    chmodSync(join(directory, 'kata-runtime'), 0o755);
    const disk = { as: 'nbd-device', path: '/dev/nbd0' } as const;
    const [shell = '', ...words] = launchKata({ ...LAUNCH, disks: oneDisk(disk), readOnly: true }).argv;
    const ended =
      'PATH=$1:$PATH; said=$1/said; shift; "$@" >$said & until [ -s $said ]; do sleep 0.05; done; kill $!; wait $! || echo $?; cat $said';
    expect(run('sh', ['-c', ended, 'sh', directory, shell, ...words]).toString()).toBe('143\n/dev/nbd0\n');
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      `direct-volume add --volume-path /dev/nbd0 --mount-info {"volume-type":"block","device":"/dev/nbd0","fstype":"ext4",${INFO}`,
      'direct-volume remove --volume-path /dev/nbd0',
    ]);
  });
});
