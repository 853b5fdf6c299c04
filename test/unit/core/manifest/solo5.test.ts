import { describe, expect, it } from 'vitest';
import {
  checkSolo5Blocks,
  decodeSolo5Manifest,
  encodeSolo5Manifest,
  type Solo5Manifest,
} from '../../../../src/core/manifest/solo5.ts';

const decode = (text: string): Solo5Manifest => decodeSolo5Manifest(Buffer.from(text), 'manifest.json');

const device = (name: string): string => `{"name":"${name}","type":"BLOCK_BASIC"}`;
const manifest = (devices: string): string => `{"type":"solo5.manifest","version":1,"devices":[${devices}]}`;

describe('decodeSolo5Manifest', () => {
  it('reads devices in order', () => {
    const devices = `${device('storage')},{"type":"NET_BASIC","name":"service0"}`;
    expect(decode(manifest(devices))).toEqual({
      devices: [
        { name: 'storage', type: 'BLOCK_BASIC' },
        { name: 'service0', type: 'NET_BASIC' },
      ],
    });
  });

  it('gives back what it was made of', () => {
    const read = decode(manifest(device('a')));
    expect(decode(encodeSolo5Manifest(read))).toEqual(read);
    expect(encodeSolo5Manifest({ devices: [] })).toBe(
      '{\n  "type": "solo5.manifest",\n  "version": 1,\n  "devices": []\n}\n',
    );
  });

  it.each([
    ['text that is no JSON', '{', 'manifest.json is not JSON'],
    ['an array', '[]', 'an array, expected an object'],
    ['another type', manifest('').replace('solo5.manifest', 'x'), 'type: "x", expected solo5.manifest'],
    ['no type', '{"version":1,"devices":[]}', 'type: nothing, expected solo5.manifest'],
    ['another version', manifest('').replace('1', '2'), 'version: 2, expected 1'],
    ['no devices', '{"type":"solo5.manifest","version":1}', 'devices: nothing, expected an array'],
    ['an unknown key', manifest('').replace('{', '{"x":1,'), '"x", expected only type, version, devices'],
    ['an unknown key of a device', manifest(device('a').replace('{', '{"mac":1,')), '"mac", expected only name, type'],
    ['another kind of device', manifest(device('a').replace('BLOCK_BASIC', 'PCI_BASIC')), 'BLOCK_BASIC or NET_BASIC'],
    ['an empty name', manifest(device('')), 'devices[0].name: "", expected 1 to 67 letters and digits'],
    ['a name with a dash', manifest(device('a-b')), 'expected 1 to 67 letters and digits'],
    ['a name of 68', manifest(device('a'.repeat(68))), 'expected 1 to 67 letters and digits'],
    ['64 devices', manifest(Array.from({ length: 64 }, (_, i) => device(`d${i}`)).join()), 'at most 63 elements'],
    ['two devices of one name', manifest(`${device('a')},${device('a')}`), 'devices: a, expected names that differ'],
    ['64 KiB', manifest(' '.repeat(1 << 16)), 'at most 65536 are read'],
  ])('refuses %s', (_, text, what) => {
    expect(() => decode(text)).toThrow(what);
  });
});

describe('checkSolo5Blocks', () => {
  const asked = decode(manifest(`${device('a')},${device('b')},{"name":"net","type":"NET_BASIC"}`));
  const block = (size: number, sectorSize = 512): { size: number; sectorSize: number } => ({ size, sectorSize });

  it('takes an image for each block device', () => {
    const given = new Map([
      ['a', block(512)],
      ['b', block(8192, 4096)],
    ]);
    expect(() => checkSolo5Blocks(asked, given)).not.toThrow();
  });

  it.each([
    ['a missing image', [['a', block(512)]], 'no image for b, which the unikernel asks for'],
    ['missing images', [], 'no image for a, b,'],
    [
      'an image for a network',
      [
        ['a', block(512)],
        ['b', block(512)],
        ['net', block(512)],
      ],
      'asks for no block device net; it asks for a, b',
    ],
    [
      'half a sector',
      [
        ['a', block(768)],
        ['b', block(512)],
      ],
      'a: an image of 768 bytes, expected whole sectors of 512',
    ],
    [
      'an empty image',
      [
        ['a', block(0)],
        ['b', block(512)],
      ],
      'a: an image of 0 bytes',
    ],
    [
      'sectors of 1000 bytes',
      [
        ['a', block(1000, 1000)],
        ['b', block(512)],
      ],
      'sectors of 1000 bytes, expected a power of two',
    ],
    [
      'sectors of 64 KiB',
      [
        ['a', block(65536, 65536)],
        ['b', block(512)],
      ],
      '512 to 32768',
    ],
  ] as [string, [string, { size: number; sectorSize: number }][], string][])('refuses %s', (_, given, what) => {
    expect(() => checkSolo5Blocks(asked, new Map(given))).toThrow(what);
  });
});
