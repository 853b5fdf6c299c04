import { describe, expect, it } from 'vitest';
import type { LaunchOptions } from '../../../../src/core/launch/launch.ts';
import { launchRumprun, launchRumprunXen } from '../../../../src/core/launch/rumprun.ts';
import { fileDisks, LAUNCH, oneDisk } from '../../../helpers/launch-options.ts';

const config = (text: string): Partial<LaunchOptions> => ({
  configuration: { name: 'app.json', bytes: Buffer.from(text) },
});

const append = (options: Partial<LaunchOptions>): string => launchRumprun({ ...LAUNCH, ...options }).argv.at(-1) ?? '';

describe('launchRumprun', () => {
  it('has a configuration that mounts the image at /data', () => {
    const { argv } = launchRumprun({ ...LAUNCH, append: 'app -v' });
    expect(argv.slice(-5)).toEqual([
      'virtio-blk-pci,drive=disk0',
      '-kernel',
      '/k/app',
      '-append',
      '{"blk":{"source":"dev","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"},"cmdline":"app -v"}',
    ]);
    expect(append({})).toContain('"cmdline":"app"');
  });

  it('takes a configuration with an image in it', () => {
    const text = '{"env":"A=1","blk":{"source":"blockloom","path":"x","mountpoint":"/etc",},"cmdline":"app",}';
    expect(append(config(text))).toBe(
      '{"env":"A=1","blk":{"source":"dev","path":"/dev/ld0a","fstype":"blk","mountpoint":"/etc"},"cmdline":"app"}',
    );
  });

  it('has a disk for each image of a configuration, in their order', () => {
    const text = '{"blk":{"source":"blockloom","path":"x"},"blk":{"source":"blockloom","path":"y","mountpoint":"/y"}}';
    const { argv } = launchRumprun({ ...LAUNCH, ...config(text), disks: fileDisks('a', 'b') });
    expect(argv.filter((word) => word.includes('filename='))).toEqual([
      'driver=file,node-name=disk0-file,filename=/d/a.img,read-only=off',
      'driver=file,node-name=disk1-file,filename=/d/b.img,read-only=off',
    ]);
    expect(argv.at(-1)).toBe(
      '{"blk":{"source":"dev","path":"/dev/ld0a"},"blk":{"source":"dev","path":"/dev/ld1a","fstype":"blk","mountpoint":"/y"}}',
    );
  });

  it.each([
    ['several images without a configuration', { disks: fileDisks('a', 'b') }, '--config is missing'],
    [
      'another filesystem',
      { disks: oneDisk({ as: 'file', path: '/d' }, 'ext4') },
      'Rumprun reads ext2, not ext4: --fs ext2 is missing',
    ],
    ['a configuration without an image', config('{"cmdline":"a"}'), 'app.json: entries for 0 images, expected 1'],
    ['a command line beside a configuration', { ...config('{}'), append: 'a' }, '--append beside --config'],
    ['a command line with quotes', { append: '"a"' }, 'quotes and backslashes are for a configuration'],
    ['a long command line', { append: 'a'.repeat(4096) }, 'a command line of 4196 bytes'],
  ])('refuses %s', (_, options, what) => {
    expect(() => append(options)).toThrow(what);
  });
});

describe('launchRumprunXen', () => {
  it('tells the store before the domain runs', () => {
    const { argv, files } = launchRumprunXen(LAUNCH);
    expect(argv.slice(0, 2)).toEqual(['sh', '-ec']);
    expect(argv.slice(-2)).toEqual(['rumprun-disk', '/d']);
    expect(argv[2]?.split('; ').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'name=$1',
      'folder=$2',
      'shift 2',
      'xl create',
      'id=$(xl domid',
      'xenstore-write "/local/domain/$id/rumprun/cfg"',
      'xl unpause',
      'xl console',
    ]);
    expect(files).toEqual([
      {
        path: '/d/xl.cfg',
        text: "name = 'rumprun-disk'\ntype = 'pv'\nkernel = '/k/app'\nmemory = 256\nvcpus = 2\ndisk = [ 'format=raw, vdev=xvda, access=rw, target=/d/disk.img' ]\n",
      },
      {
        path: '/d/rumprun.json',
        text: '{"blk":{"source":"etfs","path":"xvda","fstype":"blk","mountpoint":"/data"},"cmdline":"app"}\n',
      },
    ]);
  });
});
