import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockloom, output } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

interface Row {
  readonly start: number;
  readonly length: number;
  readonly label: string;
}

const cwd = sharedScratch();
const rowsOf = (...args: string[]): Row[] => JSON.parse(output(['map', '--json', ...args], { cwd })) as Row[];

beforeAll(() => {
  const tar = makeTar([
    { name: 'etc/' },
    { name: 'etc/hostname', data: 'web\n' },
    { name: 'big', data: 'x'.repeat(9000) },
  ]);
  writeFileSync(join(cwd, 'root.tar'), tar);
  const partitions = [
    { layers: ['./root.tar'], filesystem: { label: 'DATA', type: 'vfat' }, name: 'data' },
    { swap: '1M' },
  ];
  const definition = { blockloom: 1, layers: ['./root.tar'], disk: { table: 'gpt', partitions } };
  writeFileSync(join(cwd, 'image.json'), JSON.stringify(definition));
  output(['build', '-f', 'image.json', '-o', 'disk.img'], { cwd });
  output(['build', 'root.tar', '--fs', 'vfat', '-o', 'image.fat'], { cwd });
});

describe('inspect', () => {
  it('shows the table of a disk, and the filesystem of its root partition', () => {
    const [first, header, ...rows] = output(['inspect', 'disk.img'], { cwd }).split('\n');
    expect(first).toMatch(/^disk +gpt, [0-9a-f-]{36}$/);
    expect(header).toMatch(/^number +type +name +uuid +offset +length +size +content$/);
    expect(
      rows.slice(0, 3).map((row) => row.replace(/[0-9a-f-]{36}/g, 'UUID').replace(/[0-9A-F]{4}-[0-9A-F]{4}/, 'ID')),
    ).toEqual([
      '     1  root-x86-64  root  UUID  1048576  1048576  1 MiB  ext4 UUID',
      '     2  basic-data   data  UUID  2097152  1048576  1 MiB  vfat "DATA" ID',
      '     3  swap         swap  UUID  3145728  1048576  1 MiB  swap UUID',
    ]);
    expect(rows.slice(3, 6)).toEqual(['', 'partition    1', 'filesystem   ext4']);
  });

  it('says it of one partition, and of FAT', () => {
    const told = JSON.parse(output(['inspect', '--json', 'disk.img', '--partition', 'data'], { cwd })) as object;
    expect(told).toMatchObject({
      disk: {
        table: 'gpt',
        partitions: [{ number: 1, typeName: 'root-x86-64' }, { content: { type: 'vfat', label: 'DATA' } }, {}],
      },
      partition: 2,
      filesystem: { type: 'vfat', bits: 12, label: 'DATA', size: 1 << 20, clusterSize: 2048 },
      record: null,
    });
    expect(output(['inspect', 'image.fat'], { cwd })).toMatch(
      /^filesystem +vfat, FAT12\nlabel +-\nuuid +[0-9A-F]{4}-[0-9A-F]{4}$/m,
    );
  });
});

describe('a partition', () => {
  it('is read of what a definition describes, too', () => {
    expect(output(['ls', 'image.json', '--partition', 'DATA'], { cwd }).split('\n')).toEqual(['big', 'etc']);
    expect(output(['cat', 'image.json', 'etc/hostname'], { cwd })).toBe('web');
    expect(output(['diff', 'disk.img', 'image.json', '--partition', 'data'], { cwd })).toMatch(
      / 0 changed, 4 the same\nblocks +0 of 256/,
    );
    expect(output(['diff', 'disk.img', 'image.json', '--only', 'blocks'], { cwd })).toMatch(/^blocks +0 of 1280/);
    expect(output(['diff', 'disk.img', 'root.tar'], { cwd })).toMatch(/ 0 changed, 4 the same\nblocks +0 of 256/);
  });

  it.each([
    [['ls', 'image.fat', '--partition', '1'], 'partition 1 of an image that has no partition table'],
    [['diff', 'image.fat', 'root.tar', '--partition', '1'], 'partition 1 of images without a partition table'],
    [['map', 'image.fat', '--partition', '1'], 'partition 1 of an image that has no partition table'],
    [
      ['cat', 'disk.img', 'big', '--partition', 'none'],
      'the disk has no partition none: 1 "root" (ext4), 2 "data" (vfat "DATA"), 3 "swap" (swap)',
    ],
  ])('that is not there is an error: %j', (args, message) => {
    const { status, stderr } = blockloom(args, { cwd });
    expect([status, stderr]).toEqual([2, `blockloom: ${message}\n`]);
  });
});

describe('a map', () => {
  it.each(['disk.img', 'image.fat'])('of the file %s covers it', (file) => {
    const rows = rowsOf(file);
    let end = 0;
    for (const { start, length } of rows) {
      expect(start).toBe(end);
      end = start + length;
    }
    expect(end).toBe(file === 'disk.img' ? 5 << 20 : 1 << 20);
  });

  it('of a disk says in which partition things are, as that of its definition', () => {
    const labels = rowsOf('disk.img').map(({ label }) => label);
    expect(labels.slice(0, 4)).toEqual(['protective MBR', 'GPT, header', 'GPT, entries', 'unused']);
    expect(labels).toContain('data: file allocation table 2');
    const placeOf = (label: string, ...args: string[]): number | undefined =>
      rowsOf(...args).find((row) => row.label.startsWith(label))?.start;
    for (const label of ['root: file /big', 'data: file /etc/hostname'])
      expect(placeOf(label, 'disk.img')).toBe(placeOf(label, '-f', 'image.json'));
    expect(rowsOf('disk.img', '--partition', 'swap').map(({ label }) => label)).toEqual(['swap: swap']);
    expect(rowsOf('disk.img', '--path', '/big').map(({ label }) => label)).toEqual([
      expect.stringMatching(/^root: inode table, inode \d+, \/big$/),
      'root: file /big',
    ]);
    expect(
      rowsOf('disk.img', '--path', '/big', '--partition', 'data').map(({ length, label }) => [length, label]),
    ).toEqual([
      [32, 'data: directory entry of /big'],
      [10_240, 'data: file /big'],
    ]);
    expect(rowsOf('disk.img', '--at', '2M').map(({ label }) => label)).toEqual([
      'data: boot sector and reserved sectors',
    ]);
  });

  it('is drawn of the root partition, and not of FAT', () => {
    expect(output(['map', 'disk.img', '--html', '-'], { cwd })).toMatch(/^<!doctype html>/i);
    const { status, stderr } = blockloom(['map', 'image.json', '--partition', 'data', '--html', '-'], { cwd });
    expect([status, stderr]).toEqual([3, 'blockloom: a picture of FAT: they are drawn of ext2, ext3 and ext4\n']);
  });
});
