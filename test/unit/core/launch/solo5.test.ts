import { describe, expect, it } from 'vitest';
import type { LaunchOptions } from '../../../../src/core/launch/launch.ts';
import { launchSolo5, launchSolo5Virtio } from '../../../../src/core/launch/solo5.ts';
import type { Solo5Target } from '../../../../src/core/manifest/solo5.ts';
import type { Solo5Notes } from '../../../../src/core/manifest/solo5-notes.ts';
import { fileDisks, LAUNCH, oneDisk } from '../../../helpers/launch-options.ts';

/** A unikernel with block devices of these names, and a network among them. */
const asking = (target: Solo5Target, ...names: string[]): Solo5Notes => ({
  manifest: {
    devices: [{ name: 'net', type: 'NET_BASIC' }, ...names.map((name) => ({ name, type: 'BLOCK_BASIC' as const }))],
  },
  target,
  abiVersion: 1,
});

const block = (name: string, size = 512): { name: string; path: string; size: number } => ({
  name,
  path: `/b/${name}.img`,
  size,
});

const argv = (options: Partial<LaunchOptions>): string =>
  launchSolo5('hvt', { ...LAUNCH, unikernel: asking('hvt', 'storage'), ...options }).argv.join(' ');

describe('launchSolo5', () => {
  it('gives the image to the only block device', () => {
    expect(argv({})).toBe('solo5-hvt --mem=256 --block:storage=/d/disk.img -- /k/app');
    expect(launchSolo5('spt', { ...LAUNCH, unikernel: asking('spt', 'a') }).argv[0]).toBe('solo5-spt');
  });

  it('gives the image to the block device for which there is no file', () => {
    const options = { unikernel: asking('hvt', 'a', 'b', 'c'), blocks: [block('c'), block('a', 8192)] };
    expect(argv({ ...options, append: '--port 80' })).toBe(
      'solo5-hvt --mem=256 --block:a=/b/a.img --block:b=/d/disk.img --block:c=/b/c.img -- /k/app --port 80',
    );
  });

  it('says how large sectors are, where they are not of 512 bytes', () => {
    const sectorSizes = new Map([['a', 4096]]);
    const options = { unikernel: asking('hvt', 'a', 'b'), blocks: [block('a', 8192)], sectorSizes };
    expect(argv(options)).toBe(
      'solo5-hvt --mem=256 --block:a=/b/a.img --block-sector-size:a=4096 --block:b=/d/disk.img -- /k/app',
    );
    expect(() => argv({ ...options, blocks: [block('a', 512)] })).toThrow('expected whole sectors of 4096');
    expect(() => argv({ ...options, sectorSizes: new Map([['a', 0]]) })).toThrow(
      'sectors of 0 bytes, expected a power',
    );
    expect(() => argv({ ...options, sectorSizes: new Map([['x', 512]]) })).toThrow('no block device x');
    const virtio = { ...LAUNCH, unikernel: asking('virtio', 'a'), sectorSizes };
    expect(() => launchSolo5Virtio(virtio)).toThrow('sectors of 512 bytes are all');
  });

  it.each([
    ['what is no unikernel', { unikernel: undefined }, '/k/app: no unikernel of Solo5'],
    ['a unikernel for another tender', { unikernel: asking('spt', 'a') }, '/k/app: linked for spt, not for hvt'],
    ['a device without a file', { unikernel: asking('hvt', 'a', 'b', 'c') }, 'no image for b, c, which the unikernel'],
    ['an image for no device', { unikernel: asking('hvt') }, 'no block device for an image; it asks for none'],
    ['an image beside a file for each', { blocks: [block('storage')] }, 'for an image; it asks for storage'],
    ['more images than devices', { disks: fileDisks('a', 'b') }, 'no block device for an image; it asks for storage'],
    [
      'a file for the device of an image',
      { disks: fileDisks('storage'), blocks: [block('storage')] },
      'two files or im',
    ],
    ['a file for no device', { blocks: [block('x')] }, 'asks for no block device x; it asks for storage'],
    ['a file for a network', { blocks: [block('net')] }, 'asks for no block device net'],
    ['two files for one', { blocks: [block('storage'), block('storage')] }, 'two files or images for storage'],
    ['half a sector', { unikernel: asking('hvt', 'a', 'b'), blocks: [block('b', 700)] }, 'b: an image of 700 bytes'],
    [
      'white space in a path',
      { disks: oneDisk({ as: 'file', path: '/d/a b' }) },
      '"/d/a b" has white space, at which solo5-hvt',
    ],
    ['a socket', { disks: oneDisk({ as: 'vhost-user', socket: '/s' }) }, 'solo5-hvt takes a disk by its path'],
  ] as [string, Partial<LaunchOptions>, string][])('refuses %s', (_, options, what) => {
    expect(() => argv(options)).toThrow(what);
    expect(() => argv(options)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
  });
});

describe('several images', () => {
  it('are for the devices of their names, and one of another name for what is left', () => {
    const unikernel = asking('hvt', 'a', 'b', 'c');
    const { argv: words } = launchSolo5('hvt', { ...LAUNCH, unikernel, disks: fileDisks('c', 'x', 'a') });
    expect(words.filter((word) => word.startsWith('--block'))).toEqual([
      '--block:a=/d/a.img',
      '--block:b=/d/x.img',
      '--block:c=/d/c.img',
    ]);
  });
});

describe('launchSolo5Virtio', () => {
  const unikernel = asking('virtio', 'a', 'b');
  const words = launchSolo5Virtio({ ...LAUNCH, unikernel, blocks: [block('a')], append: 'x,y' }).argv;

  it('is a PC of QEMU with the disks in the order of the manifest', () => {
    expect(words.join(' ')).toBe(
      'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -serial mon:stdio ' +
        '-machine pc,acpi=off -accel tcg -cpu Westmere -m 256M ' +
        '-blockdev driver=file,node-name=disk0-file,filename=/b/a.img,read-only=off ' +
        '-blockdev driver=raw,node-name=disk0,file=disk0-file,read-only=off -device virtio-blk-pci,drive=disk0 ' +
        '-blockdev driver=file,node-name=disk1-file,filename=/d/disk.img,read-only=off ' +
        '-blockdev driver=raw,node-name=disk1,file=disk1-file,read-only=off -device virtio-blk-pci,drive=disk1 ' +
        '-kernel /k/app -append x,y',
    );
  });

  it('takes our URI', () => {
    const disk = { as: 'nbd', socket: '/s', exportName: 'e', uri: 'nbd+unix:///e?socket=/s' } as const;
    const { argv: nbd } = launchSolo5Virtio({
      ...LAUNCH,
      unikernel: asking('virtio', 'a'),
      disks: oneDisk(disk),
      accelerator: 'kvm',
    });
    expect(nbd.join(' ')).toContain('driver=nbd,node-name=disk0,server.type=unix,server.path=/s,export=e');
    expect(nbd.join(' ')).toContain('-accel kvm -cpu host');
    expect(nbd).not.toContain('-append');
  });
});
