import { describe, expect, it } from 'vitest';
import { launchXen } from '../../../../src/core/launch/xen.ts';
import { fileDisks, LAUNCH } from '../../../helpers/launch-options.ts';

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

  it('has several disks, and the partition of the root filesystem', () => {
    const text = launchXen({ ...LAUNCH, disks: fileDisks('a', 'b'), root: { partition: 2 } }).files[0]?.text;
    expect(text).toContain(
      "disk = [ 'format=raw, vdev=xvda, access=rw, target=/d/a.img', 'format=raw, vdev=xvdb, access=rw, target=/d/b.img' ]",
    );
    expect(text).toContain('root=/dev/xvda2 rw');
    const names = Array.from({ length: 27 }, (_, i) => `n${i}`);
    expect(() => launchXen({ ...LAUNCH, disks: fileDisks(...names) })).toThrow('names for 26 disks, not for 27');
  });

  it('leaves the command line to who knows better', () => {
    expect(launchXen({ ...LAUNCH, append: 'a' }).files[0]?.text).toContain("extra = 'a'\n");
  });
});
