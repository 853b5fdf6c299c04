import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { isThere, skipped } from '../../helpers/tools.ts';

interface Row {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
  readonly data: boolean;
  readonly offset: number;
  readonly label: string;
}

const cwd = sharedScratch();
const layers = writeLayers(cwd);
const rowsOf = (...args: string[]): Row[] =>
  JSON.parse(output(['map', ...layers, '--json', ...args], { cwd })) as Row[];

let image: Buffer;
beforeAll(() => {
  output(['build', ...layers, '-o', 'disk.img'], { cwd });
  image = readFileSync(join(cwd, 'disk.img'));
});

describe('map', () => {
  it('covers the image without gap and overlap, and its zeros are zeros', () => {
    const rows = rowsOf();
    let end = 0;
    for (const { start, length, zero, data, offset } of rows) {
      expect(start).toBe(end);
      expect(length).toBeGreaterThan(0);
      expect([data, offset]).toEqual([!zero, start]);
      expect(!zero || image.subarray(start, start + length).every((byte) => byte === 0)).toBe(true);
      end = start + length;
    }
    expect(end).toBe(image.length);
  });

  it.skipIf(skipped(!isThere('qemu-img', ['--version']), 'qemu-img is missing'))(
    'has the fields of qemu-img map, and a label',
    () => {
      const args = ['map', '--output=json', '-f', 'raw', 'disk.img'];
      const theirs = JSON.parse(execFileSync('qemu-img', args, { cwd }).toString()) as object[];
      const ours = rowsOf();
      // Older versions of theirs do not tell what is compressed.
      const [first] = theirs.map((row) => ({ compressed: false, ...row, label: '' }));
      const types = (row: object): string[] => Object.entries(row).map(([key, value]) => `${key} ${typeof value}`);
      for (const row of ours) expect(types(row).toSorted()).toEqual(types(first!).toSorted());
    },
  );

  it('says what lives at an offset, however it is written', () => {
    for (const at of ['1024', '0x400', '1K', '1500']) {
      expect(rowsOf('--at', at)).toMatchObject([{ start: 1024, length: 1024, label: 'superblock' }]);
    }
    expect(rowsOf('--at', '0')).toMatchObject([{ start: 0, zero: true }]);
    expect(rowsOf('--at', String(image.length - 1))).toHaveLength(1);
  });

  it('finds a file from its blocks and its blocks from the file', () => {
    const [inode, data] = rowsOf('--path', '/srv/new');
    expect(inode).toMatchObject({ length: 256, label: expect.stringMatching(/^inode table, .*\/srv\/new$/) });
    expect(data).toMatchObject({ length: 4, label: 'file /srv/new (layer 1)' });
    expect(image.subarray(data!.start, data!.start + 4).toString()).toBe('new\n');
    expect(rowsOf('--at', String(data!.start + 3))).toMatchObject([{ start: data!.start, label: data!.label }]);
    expect(rowsOf('--path', 'srv/./new')).toEqual(rowsOf('--path', '/srv/new'));
  });

  it('finds directories, the root, hard links, symlinks and files with holes', () => {
    expect(rowsOf('--path', '/etc').at(-1)).toMatchObject({ label: 'directory /etc' });
    expect(rowsOf('--path', '/').at(-1)).toMatchObject({ label: 'directory /' });
    expect(rowsOf('--path', 'bin/same').map(({ start }) => start)).toEqual(
      rowsOf('--path', 'bin/tool').map(({ start }) => start),
    );
    expect(rowsOf('--path', 'sbin')).toHaveLength(1);
    expect(rowsOf('--path', 'sbin/tool')).toEqual(rowsOf('--path', 'bin/tool'));
    expect(rowsOf('--path', 'null')).toHaveLength(1);
    expect(rowsOf('--path', 'long')).toHaveLength(2);
    const holes = rowsOf('--path', 'holes').slice(1);
    expect(holes.filter(({ data }) => data).reduce((sum, { length }) => sum + length, 0)).toBe(5000);
  });

  it('refuses what is not there', () => {
    const map = (...args: string[]) => blockloom(['map', ...layers, ...args], { cwd });
    expect(map('--path', '/none')).toEqual({
      status: 3,
      stdout: '',
      stderr: 'blockloom: the image has nothing at /none\n',
    });
    expect(map('--path', 'etc/old').status).toBe(3);
    expect(map('--at', '1T')).toMatchObject({
      status: 2,
      stderr: `blockloom: offset ${2 ** 40}: the image has ${image.length} bytes\n`,
    });
    expect(map('--at', '1', '--path', 'etc').status).toBe(2);
    expect(map('--at', '-1').status).toBe(2);
  });

  it('finds paths in the file of an image where its layers have them', () => {
    const places = (...args: string[]): object[] =>
      (JSON.parse(output(['map', ...args, '--json'], { cwd })) as Row[]).map(({ start, length }) => ({
        start,
        length,
      }));
    // A device has nothing but its inode.
    for (const path of ['null', 'etc', 'long', '/']) {
      expect([path, places('disk.img', '--path', path)]).toEqual([path, places(...layers, '--path', path)]);
    }
    // What follows a file in its last block is not told apart in the file of an image.
    const [inode, blocks] = places('disk.img', '--path', 'bin/tool');
    expect([inode, { ...blocks, length: 10_000 }]).toEqual(places(...layers, '--path', 'bin/tool').slice(0, 2));
    for (const path of ['bin/same', 'sbin/tool']) expect(places('disk.img', '--path', path)).toEqual([inode, blocks]);
    expect(blockloom(['map', 'disk.img', '--path', '/none'], { cwd })).toEqual({
      status: 3,
      stdout: '',
      stderr: 'blockloom: the image has nothing at /none\n',
    });
  });

  it('prints a table for people', () => {
    const [head, ...lines] = output(['map', ...layers], { cwd }).split('\n');
    expect(head).toBe('        offset         length kind label');
    expect(lines).toHaveLength(rowsOf().length);
    expect(lines[1]).toBe('          1024           1024 data superblock');
  });
});
