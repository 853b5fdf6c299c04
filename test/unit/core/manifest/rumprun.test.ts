import { describe, expect, it } from 'vitest';
import {
  attachRumprunImages,
  encodeRumprun,
  readRumprun,
  rumprunCommandLine,
  type RumprunConfiguration,
  rumprunImages,
} from '../../../../src/core/manifest/rumprun.ts';

const read = (text: string): RumprunConfiguration => readRumprun(Buffer.from(text), 'app.json');

const image = (path: string, more = ''): string => `"blk":{"source":"blockloom","path":"${path}"${more}}`;

describe('readRumprun', () => {
  it('takes the keys of Rumprun', () => {
    const text = '{"rc":[],"env":"A=1","hostname":"h","net":{"if":"vioif0"},"cmdline":"app"}';
    expect(encodeRumprun(read(text))).toBe(text);
  });

  it.each([
    ['an unknown key', '{"mount":{}}', 'app.json: "mount", expected one of cmdline, rc,'],
    ['two networks', '{"net":{},"net":{}}', 'two of "net", expected one'],
    ['a block device that is no object', '{"blk":"x"}', 'blk is no object'],
    ['a list of block devices', '{"blk":[]}', 'blk is no object'],
    ['an unknown key of a block device', '{"blk":{"type":"x"}}', 'blk has "type", expected one of source,'],
    ['an object in a block device', '{"blk":{"path":{}}}', 'blk, path: expected a string'],
    ['two paths', '{"blk":{"path":"a","path":"b"}}', 'blk has two of "path"'],
    ['a block device without a source', '{"blk":{"path":"a"}}', 'blk without "source"'],
    ['a block device without a path', '{"blk":{"source":"dev"}}', 'blk without "path"'],
  ])('refuses %s', (_, text, what) => {
    expect(() => read(text)).toThrow(what);
  });
});

describe('rumprunImages', () => {
  it('names images in order', () => {
    expect(rumprunImages(read(`{${image('b.yaml')},"blk":{"source":"vnd","path":"x"},${image('a.tar')}}`))).toEqual([
      'b.yaml',
      'a.tar',
    ]);
  });
});

describe('attachRumprunImages', () => {
  const mounted = read(
    `{"env":"A=1",${image('a.yaml', ',"mountpoint":"/data"')},"blk":{"source":"dev","path":"virtual","fstype":"kernfs","mountpoint":"/kern"},${image('b.tar')},"cmdline":"app \\"x\\""}`,
  );

  it('puts disks of virtio in their places, and leaves the rest', () => {
    expect(encodeRumprun(attachRumprunImages(mounted, 'hw'))).toBe(
      '{"env":"A=1",' +
        '"blk":{"source":"dev","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"},' +
        '"blk":{"source":"dev","path":"virtual","fstype":"kernfs","mountpoint":"/kern"},' +
        '"blk":{"source":"dev","path":"/dev/ld1a"},' +
        '"cmdline":"app \\"x\\""}',
    );
  });

  it('puts disks of Xen in their places', () => {
    const text = encodeRumprun(attachRumprunImages(mounted, 'xen'));
    expect(text).toContain('{"source":"etfs","path":"xvda","fstype":"blk","mountpoint":"/data"}');
    expect(text).toContain('"blk":{"source":"etfs","path":"xvdb"}');
  });

  it('leaves a configuration without images as it is', () => {
    const plain = read('{"cmdline":"app"}');
    expect(attachRumprunImages(plain, 'hw')).toEqual(plain);
  });

  it('refuses another use of the disk of an image', () => {
    const both = read(`{"blk":{"source":"dev","path":"/dev/ld0a"},${image('a')}}`);
    expect(() => attachRumprunImages(both, 'hw')).toThrow('blk of /dev/ld0a, which is the disk of an image');
    expect(() => attachRumprunImages(both, 'xen')).not.toThrow();
  });

  it('refuses a filesystem that is on no disk', () => {
    const kernfs = read(`{${image('a', ',"fstype":"kernfs","mountpoint":"/k"')}}`);
    expect(() => attachRumprunImages(kernfs, 'hw')).toThrow('fstype: "kernfs", expected blk');
  });

  it('refuses more disks than Xen has letters', () => {
    const many = read(`{${Array.from({ length: 27 }, () => image('a')).join(',')}}`);
    expect(() => attachRumprunImages(many, 'xen')).toThrow('27 images, expected 26');
  });
});

describe('rumprunCommandLine', () => {
  const line = (length: number): string =>
    rumprunCommandLine(read(`{"cmdline":"${'x'.repeat(length)}"}`), '/boot/app.bin');

  it('has at most 4096 bytes with the path of the kernel and the final zero', () => {
    const rest = '/boot/app.bin {"cmdline":""}\0'.length;
    expect(line(4096 - rest)).toHaveLength(4096 - '/boot/app.bin \0'.length);
    expect(() => line(4097 - rest)).toThrow('a command line of 4097 bytes with the kernel');
  });
});
