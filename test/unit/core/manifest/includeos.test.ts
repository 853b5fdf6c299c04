import { describe, expect, it } from 'vitest';
import { addIncludeosDrives } from '../../../../src/core/manifest/includeos.ts';

const add = (text: string, ...files: string[]): unknown =>
  JSON.parse(addIncludeosDrives(Buffer.from(text), 'vm.json', files));

const DRIVE = { file: 'a.img', type: 'ide', format: 'qcow2', media: 'disk' };

describe('addIncludeosDrives', () => {
  it('adds drives and leaves the rest', () => {
    const text = JSON.stringify({ image: 'service.img', net: [{ device: 'virtio' }], mem: 128 });
    expect(add(text, '/d.img', 'nbd+unix:///e?socket=/s')).toEqual({
      image: 'service.img',
      net: [{ device: 'virtio' }],
      mem: 128,
      drives: [
        { file: '/d.img', type: 'virtio', format: 'raw', media: 'disk' },
        { file: 'nbd+unix:///e?socket=/s', type: 'virtio', format: 'raw', media: 'disk' },
      ],
    });
  });

  it('puts them behind those that are there', () => {
    expect(add(JSON.stringify({ drives: [DRIVE] }), '/d')).toMatchObject({ drives: [DRIVE, { file: '/d' }] });
  });

  it.each([
    ['text', 'x', 'vm.json is not JSON'],
    ['a list', '[]', 'vm.json: an array, expected an object'],
    ['drives that are no list', '{"drives":{}}', 'drives: an object, expected an array'],
    ['a drive without a file', '{"drives":[{}]}', 'drives[0].file: nothing, expected a string'],
    ['an unknown bus', JSON.stringify({ drives: [{ ...DRIVE, type: 'usb' }] }), 'drives[0].type: "usb", expected ide'],
    ['an unknown format', JSON.stringify({ drives: [{ ...DRIVE, format: 'x' }] }), 'drives[0].format: "x"'],
    ['another medium', JSON.stringify({ drives: [{ ...DRIVE, media: 'cdrom' }] }), 'media: "cdrom", expected disk'],
  ])('refuses %s', (_, text, what) => {
    expect(() => add(text, '/d')).toThrow(what);
  });

  it('refuses a comma, at which QEMU ends', () => {
    expect(() => add('{}', '/a,b')).toThrow('/a,b: a comma, which vmrunner cannot hand to QEMU');
  });
});
