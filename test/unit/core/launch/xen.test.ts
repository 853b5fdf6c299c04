import { describe, expect, it } from 'vitest';
import { launchXen } from '../../../../src/core/launch/xen.ts';
import { LAUNCH } from '../../../helpers/launch-options.ts';

describe('launchXen', () => {
  it('writes what xl takes', () => {
    const { argv, files } = launchXen({ ...LAUNCH, initrd: '/k/initrd', readOnly: true });
    expect(argv).toEqual(['xl', 'create', '-c', '/d/xl.cfg']);
    expect(files.map(({ path, text }) => [path, text.split('\n')])).toEqual([
      [
        '/d/xl.cfg',
        [
          "name = 'disk'",
          "type = 'pvh'",
          "kernel = '/k/app'",
          "ramdisk = '/k/initrd'",
          "extra = 'console=hvc0 root=/dev/xvda ro'",
          'memory = 256',
          'vcpus = 2',
          "disk = [ 'format=raw, vdev=xvda, access=ro, target=/d/disk.img' ]",
          '',
        ],
      ],
    ]);
  });

  it('leaves the command line to who knows better', () => {
    expect(launchXen({ ...LAUNCH, append: 'a' }).files[0]?.text).toContain("extra = 'a'\n");
  });
});
