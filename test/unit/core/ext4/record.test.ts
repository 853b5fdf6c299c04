import { createHash } from 'node:crypto';
import { crc32c } from 'ext2fs-wasm';
import { describe, expect, it } from 'vitest';
import { inodeSeed } from '../../../../src/core/ext4/checksums.ts';
import { decodeRecord, encodeRecord, type ImageRecord } from '../../../../src/core/ext4/record.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import type { ImageOptions } from '../../../../src/image/options.ts';
import { readImageRecord } from '../../../../src/image/read-record.ts';
import { put } from '../../../helpers/make-tree.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

const TREE = `sha256:${'5'.repeat(64)}`;
const RECORD: ImageRecord = { ...planLayers([]).record, tree: TREE };
const TEXT = `blockloom-record 1 327 caa48045
{
  "formatVersion": 1,
  "options": {
    "blockSize": 4096,
    "free": 0,
    "label": "",
    "placement": "stable",
    "symlinkedParents": "follow",
    "mtime": "fixed",
    "sourceDateEpoch": 1262304000,
    "chmodMask": "0000"
  },
  "tree": "${TREE}"
}
`;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An image in memory. */
const imageOf = (bytes: Uint8Array): Parameters<typeof readImageRecord>[0] => ({
  size: bytes.length,
  read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
});

describe('the record of an image', () => {
  it('is text that stays as it is', () => {
    expect(new TextDecoder().decode(encodeRecord(RECORD))).toBe(TEXT);
    expect(decodeRecord(utf8(TEXT))).toEqual(RECORD);
  });

  it('has every option that decides bytes, in one spelling', () => {
    const options: ImageOptions = {
      blockSize: 1024,
      size: 8 << 20,
      free: { percent: 12.5 },
      inodes: 64,
      label: 'wörzel "1"',
      uuid: Uint8Array.from({ length: 16 }, (_, i) => i),
      mtime: 'clamp',
      sourceDateEpoch: -5,
      owner: { uid: 4294967294, gid: 0 },
      chmodMask: 0o22,
      placement: 'compact',
      symlinkedParents: 'error',
      formatVersion: 1,
    };
    const { record } = planLayers([[put('a', 1)]], options);
    expect(record.options).toEqual({
      blockSize: 1024,
      size: 8 << 20,
      free: '12.5%',
      inodes: 64,
      label: 'wörzel "1"',
      uuid: '00010203-0405-0607-0809-0a0b0c0d0e0f',
      placement: 'compact',
      symlinkedParents: 'error',
      mtime: 'clamp',
      sourceDateEpoch: -5,
      owner: '4294967294:0',
      chmodMask: '0022',
    });
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
  });

  it('names the tree, whatever the options and the layers that it came in', () => {
    const files = [put('a', 1), put('b', 2)];
    const { tree } = planLayers([files]).record;
    expect(planLayers([files.slice(0, 1), files.slice(1)], { blockSize: 1024, label: 'x' }).record.tree).toBe(tree);
    expect(planLayers([[put('a', 1), put('b', 3)]]).record.tree).not.toBe(tree);
    expect(planLayers([files], { chmodMask: 0o44 }).record.tree).not.toBe(tree);
  });

  it('gives the image its UUID', () => {
    const { record, uuid } = planLayers([[put('a', 1)]]);
    const digest = createHash('sha256').update(encodeRecord(record)).digest();
    digest[6] = (digest[6]! & 0x0f) | 0x80;
    digest[8] = (digest[8]! & 0x3f) | 0x80;
    expect(Buffer.from(uuid)).toEqual(digest.subarray(0, 16));
  });

  it.each([1024, 2048, 4096] as const)('stands behind the group descriptors (blocks of %d)', (blockSize) => {
    const plan = planLayers([[put('a', 0)]], { blockSize });
    const row = Array.from(mapRows(plan)).find(({ label }) => label === 'image record');
    expect(row).toMatchObject({ start: plan.geometry.record * blockSize, length: blockSize });
    expect(readImageRecord(imageOf(plainBytes(plan, [])))).toEqual(plan.record);
  });
});

describe('a record is refused', () => {
  it.each<[string, Uint8Array, string]>([
    ['of nothing', new Uint8Array(0), 'does not begin as one that is known here'],
    ['of another version', utf8(TEXT.replace('-record 1', '-record 2')), 'does not begin as one that is known here'],
    ['that is cut', utf8(TEXT.slice(0, -1)), 'has 326 bytes, its first line says 327'],
    ['with more behind it', utf8(`${TEXT} `), 'has 328 bytes, its first line says 327'],
    [
      'with a changed byte',
      utf8(TEXT.replace('stable', 'stably')),
      'has the checksum ea177a2b, its first line says caa48045',
    ],
    ['of a length in another form', utf8(TEXT.replace(' 327', ' 0327')), 'does not begin as one that is known here'],
  ])('%s', (_, bytes, what) => {
    expect(() => decodeRecord(bytes)).toThrow(
      expect.objectContaining({ code: 'record-invalid', message: `the image record ${what}` }),
    );
  });

  it.each([
    ['an option that is not known', { ...RECORD.options, verity: true }, /options: "verity", expected only fs/],
    ['an option that has another type', { ...RECORD.options, label: 5 }, /options\.label: 5, expected a string/],
    [
      'an option that is missing',
      { ...RECORD.options, placement: undefined },
      /options\.placement: nothing, expected stable/,
    ],
    ['a percentage in another form', { ...RECORD.options, free: '1.0%' }, /options\.free: "1.0%"/],
    ['options in another order', Object.fromEntries(Object.entries(RECORD.options).toReversed()), /another form/],
  ])('for %s', (_, options, message) => {
    const record = encodeRecord({ ...RECORD, options: options as ImageRecord['options'] });
    expect(() => decodeRecord(record)).toThrow(
      expect.objectContaining({ code: 'record-invalid', message: expect.stringMatching(message) as string }),
    );
  });
});

describe('the layers in a record', () => {
  const inputs = (count: number): ImageRecord => ({
    ...RECORD,
    inputs: Array.from({ length: count }, (_, i) => (i % 2 === 0 ? { diffId: TREE } : { contents: TREE })),
  });

  it('come back', () => {
    expect(decodeRecord(encodeRecord(inputs(3)))).toEqual(inputs(3));
    expect(encodeRecord(inputs(600)).length).toBeLessThanOrEqual(64 * 1024);
  });

  it('are no more than fit', () => {
    expect(() => encodeRecord(inputs(700))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', message: expect.stringContaining('700 layers') as string }),
    );
  });
});

describe('an image whose record lies', () => {
  const plan = planLayers([], { size: 1 << 20 });
  const inode = plan.geometry.inodeTables[0]! * 4096 + 4 * 256;

  /** The image with a field of the record's inode changed, and that inode's checksum made right. */
  function withField(offset: number, value: number): Uint8Array {
    const bytes = plainBytes(plan, []);
    const view = new DataView(bytes.buffer, inode, 256);
    view.setUint32(offset, value, true);
    view.setUint16(0x7c, 0, true);
    view.setUint16(0x82, 0, true);
    const checksum = crc32c(inodeSeed(5), bytes.subarray(inode, inode + 256));
    view.setUint16(0x7c, checksum & 0xffff, true);
    view.setUint16(0x82, checksum >>> 16, true);
    return bytes;
  }

  it.each<[string, number, number, string, RegExp]>([
    ['about its length', 0x04, 65_537, 'record-invalid', /has 65537 bytes, at most 65536 are read/],
    ['about its end', 0x04, 330, 'record-invalid', /has \d+ bytes, its first line says \d+/],
    ['about its place', 0x28 + 20, 0x00ff_ffff, 'image-corrupt', /inode 5/],
    ['about where its blocks are', 0x28 + 12, 0x0001, 'record-invalid', /does not begin as one that is known here/],
  ])('%s is refused', (_, offset, value, code, message) => {
    const expected = expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
    expect(() => readImageRecord(imageOf(withField(offset, value)))).toThrow(expected);
  });

  it('about what it is has none', () => {
    const directory = 0o040400 | (0 << 16);
    expect(readImageRecord(imageOf(withField(0, directory)))).toBeUndefined();
    expect(readImageRecord(imageOf(withField(0x1a, 0)))).toBeUndefined();
  });
});

it('an image that another program made has no record', () => {
  const plan = planLayers([]);
  const bytes = plainBytes(plan, []);
  const inode = plan.geometry.inodeTables[0]! * 4096 + 4 * 256;
  expect(bytes[inode + 1]).toBe(0x81);
  bytes.fill(0, inode, inode + 256);
  expect(readImageRecord(imageOf(bytes))).toBeUndefined();
  expect(() => readImageRecord(imageOf(new Uint8Array(1 << 20)))).toThrow(
    expect.objectContaining({ code: 'image-corrupt' }),
  );
});
