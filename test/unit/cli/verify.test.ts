import { appendFileSync, copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';

interface Row {
  readonly start: number;
  readonly length: number;
  readonly label: string;
}

const cwd = sharedScratch();
const layers = writeLayers(cwd);
const verify = (...args: string[]) => blockloom(['verify', ...args], { cwd });
let rows: Row[];

beforeAll(() => {
  output(['build', ...layers, '-o', 'disk.img'], { cwd });
  rows = JSON.parse(output(['map', ...layers, '--json'], { cwd })) as Row[];
});

/** A copy of the image with one byte changed. */
function changedAt(offset: number): string {
  copyFileSync(join(cwd, 'disk.img'), join(cwd, 'changed.img'));
  const bytes = readFileSync(join(cwd, 'changed.img'));
  bytes[offset]! ^= 0xff;
  writeFileSync(join(cwd, 'changed.img'), bytes);
  return 'changed.img';
}

/** Where the first thing with such a label begins. */
function startOf(label: RegExp): number {
  const row = rows.find((one) => label.test(one.label));
  if (row === undefined)
    throw new Error(`nothing is called ${String(label)} in ${rows.map((one) => one.label).join()}`);
  return row.start;
}

describe('verify', () => {
  it('says that a file is the image, with its digest', () => {
    const digest = output(['hash', ...layers], { cwd });
    expect(verify('disk.img', ...layers)).toEqual({ status: 0, stdout: `same ${digest}\n`, stderr: '' });
    expect(JSON.parse(verify('disk.img', ...layers, '--json').stdout)).toEqual({ same: true, sha256: digest });
  });

  it('names what lives in the first block that differs', () => {
    const cases: readonly (readonly [where: RegExp, label: RegExp])[] = [
      [/^superblock/, /^superblock$/],
      [/^group descriptors/, /^group descriptors/],
      [/^block bitmap/, /^block bitmap, group 0$/],
      [/^inode bitmap/, /^inode bitmap, group 0$/],
      [/^inode table/, /^inode table, group 0/],
      [/^directory \/etc/, /^directory \/etc$/],
      [/^file \/bin\/tool/, /^file \/bin\/tool \(layer 0\)$/],
      [/^file \/srv\/new/, /^file \/srv\/new \(layer 1\)$/],
      [/^free/, /^free$/],
    ];
    for (const [where, label] of cases) {
      const offset = startOf(where);
      const { status, stdout, stderr } = verify(changedAt(offset), ...layers);
      const [, block, byte, hex, named] = /^different from block (\d+) \(byte (\d+), (0x[\da-f]+)\): (.*)\n$/.exec(
        stdout,
      )!;
      expect([Number(block), Number(byte), Number(hex)]).toEqual([Math.floor(offset / 4096), offset, offset]);
      expect(named).toMatch(label);
      expect([status, stderr]).toEqual([4, '']);
    }
  });

  it('names the inode that differs', () => {
    const table = startOf(/^inode table/);
    expect(verify(changedAt(table + 256 + 100), ...layers).stdout).toMatch(/inode table, group 0, inode 2, \/\n$/);
  });

  it('says it as JSON too', () => {
    const offset = startOf(/^directory \/etc/) + 5;
    expect(JSON.parse(verify(changedAt(offset), ...layers, '--json').stdout)).toEqual({
      same: false,
      block: Math.floor(offset / 4096),
      offset,
      label: 'directory /etc',
    });
  });

  it('finds files that are shorter and longer', () => {
    copyFileSync(join(cwd, 'disk.img'), join(cwd, 'sized.img'));
    truncateSync(join(cwd, 'sized.img'), 5000);
    expect(verify('sized.img', ...layers)).toMatchObject({
      status: 4,
      stdout: expect.stringContaining('(byte 5000, '),
    });
    copyFileSync(join(cwd, 'disk.img'), join(cwd, 'sized.img'));
    appendFileSync(join(cwd, 'sized.img'), '\0');
    expect(verify('sized.img', ...layers)).toMatchObject({
      status: 4,
      stdout: expect.stringContaining('the end of the image: the file is longer\n'),
    });
  });

  it('differs under other options', () => {
    expect(verify('disk.img', ...layers, '--mtime', 'keep').status).toBe(4);
    expect(verify('disk.img', layers[0]).status).toBe(4);
  });

  it('says what cannot be read', () => {
    expect(verify('none.img', ...layers)).toMatchObject({
      status: 3,
      stderr: 'blockloom: cannot read none.img: no such file or directory\n',
    });
    expect(verify('.', ...layers)).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^blockloom: cannot read .*\n$/),
    });
  });
});
