import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const MIB = 1024 * 1024;

/** A folder with a tree, and an empty disk of `size` MiB. */
function folderWithDisk(size: number): string {
  const folder = scratch();
  mkdirSync(join(folder, 'tree/etc'), { recursive: true });
  writeFileSync(join(folder, 'tree/etc/hostname'), 'web\n');
  writeFileSync(join(folder, 'disk.img'), '');
  truncateSync(join(folder, 'disk.img'), size * MIB);
  return folder;
}

/** Makes an ext4 of a MiB count at an offset in MiB, with the folder's tree. */
function putExt4(cwd: string, offset: number, size: number, ...options: readonly string[]): void {
  const place = ['-E', `offset=${offset * MIB}`];
  run('mke2fs', ['-q', '-F', '-t', 'ext4', ...options, '-d', 'tree', ...place, 'disk.img', `${size}M`], { cwd });
}

/** Makes a FAT at an offset in MiB, with a file. */
function putFat(cwd: string, offset: number, size: number, ...options: readonly string[]): void {
  run('mkfs.fat', ['-C', ...options, 'part.fat', String(size * 1024)], { cwd });
  run('mmd', ['-i', 'part.fat', '::EFI'], { cwd });
  run('mcopy', ['-i', 'part.fat', 'tree/etc/hostname', '::EFI/a long name.efi'], { cwd });
  run('dd', ['if=part.fat', 'of=disk.img', 'bs=1M', `seek=${offset}`, 'conv=notrunc', 'status=none'], { cwd });
}

interface Inspected {
  readonly disk: {
    readonly table: string;
    readonly id: string;
    readonly partitions: readonly {
      readonly number: number;
      readonly type: string;
      readonly typeName: string;
      readonly name: string;
      readonly partuuid: string;
      readonly start: number;
      readonly length: number;
      readonly content: { readonly type: string; readonly label: string; readonly uuid: string };
    }[];
  };
}

const inspect = (cwd: string): Inspected['disk'] =>
  (JSON.parse(output(['inspect', '--json', 'disk.img'], { cwd })) as Inspected).disk;

/** What sfdisk says of the partitions. */
function sfdisk(cwd: string): { number: number; start: number; length: number; partuuid: string; type: string }[] {
  const { partitiontable } = JSON.parse(run('sfdisk', ['--json', 'disk.img'], { cwd }).toString()) as {
    partitiontable: {
      id: string;
      partitions: { node: string; start: number; size: number; type: string; uuid?: string }[];
    };
  };
  return partitiontable.partitions.map(({ node, start, size, type, uuid }) => {
    const number = Number(/\d+$/.exec(node)?.[0]);
    const ofMbr = `${partitiontable.id.slice(2)}-${String(number).padStart(2, '0')}`;
    const kind = uuid === undefined ? `0x${type.padStart(2, '0')}` : type.toLowerCase();
    return { number, start: start * 512, length: size * 512, partuuid: uuid?.toLowerCase() ?? ofMbr, type: kind };
  });
}

const placesOf = (disk: Inspected['disk']) =>
  disk.partitions.map(({ number, start, length, partuuid, type }) => ({ number, start, length, partuuid, type }));

const LS_ROOT = ['etc', 'lost+found'];

describe.skipIf(!requireTools('sgdisk', 'sfdisk', 'mke2fs', 'mkfs.fat', 'mmd', 'mcopy', 'mkswap', 'blkid'))(
  'a disk',
  () => {
    it('of sgdisk is read: its table, and its root partition', () => {
      const cwd = folderWithDisk(64);
      const parts = [
        '-n1:1M:+16M',
        '-t1:ef00',
        '-c1:EFI',
        '-n2:17M:+16M',
        '-t2:8304',
        '-c2:die Wurzel',
        '-n5:40M:+8M',
        '-t5:8200',
        '-n3:50M:+4M',
        '-c3:more',
      ];
      run('sgdisk', [...parts, 'disk.img'], { cwd });
      putFat(cwd, 1, 16, '-n', 'BOOT', '-i', '1234abcd');
      putExt4(cwd, 17, 16, '-L', 'rootfs', '-U', '01234567-89ab-4def-8123-456789abcdef');
      putExt4(cwd, 50, 4);
      run('dd', ['if=/dev/zero', 'of=swap', 'bs=1M', 'count=8', 'status=none'], { cwd });
      run('mkswap', ['-L', 'swp', 'swap'], { cwd });
      run('dd', ['if=swap', 'of=disk.img', 'bs=1M', 'seek=40', 'conv=notrunc', 'status=none'], { cwd });
      const disk = inspect(cwd);
      expect(placesOf(disk)).toEqual(sfdisk(cwd));
      expect(
        disk.partitions.map(({ typeName, name, content }) => [typeName, name, content.type, content.label]),
      ).toEqual([
        ['esp', 'EFI', 'vfat', 'BOOT'],
        ['root-x86-64', 'die Wurzel', 'ext4', 'rootfs'],
        ['linux-generic', 'more', 'ext4', ''],
        ['swap', '', 'swap', 'swp'],
      ]);
      expect(disk.partitions.slice(0, 2).map(({ content }) => content.uuid)).toEqual([
        '1234-ABCD',
        '01234567-89ab-4def-8123-456789abcdef',
      ]);
      expect(disk.partitions[3]?.content.uuid).toBe(
        run('blkid', ['-o', 'value', '-s', 'UUID', 'swap'], { cwd }).toString().trim(),
      );
      expect(output(['ls', 'disk.img'], { cwd }).split('\n')).toEqual(LS_ROOT);
      for (const which of ['2', 'die Wurzel', 'rootfs'])
        expect(output(['cat', 'disk.img', '/etc/hostname', '--partition', which], { cwd })).toBe('web');
      expect(output(['ls', '-R', 'disk.img', '--partition', 'EFI'], { cwd }).split('\n')).toEqual([
        'EFI',
        'EFI/a long name.efi',
      ]);
      expect(blockloom(['diff', 'disk.img', 'tree', '--only', 'paths'], { cwd }).stdout).toMatch(/ 0 added, 0 removed/);
      const { status, stderr } = blockloom(['ls', 'disk.img', '--partition', '4'], { cwd });
      expect([status, stderr]).toEqual([
        2,
        'blockloom: the disk has no partition 4: 1 "EFI" (vfat "BOOT"), 2 "die Wurzel" (ext4 "rootfs"), 3 "more" (ext4), 5 (swap "swp")\n',
      ]);
      run('sgdisk', ['-t2:8300', 'disk.img'], { cwd });
      expect(blockloom(['ls', 'disk.img'], { cwd }).stderr).toContain('which partition is not clear: 1 "EFI"');
      expect(output(['inspect', 'disk.img'], { cwd })).toContain('none read: which partition is not clear');
    });

    it('of sgdisk whose first table is gone is read with a warning', () => {
      const cwd = folderWithDisk(16);
      run('sgdisk', ['-n1:1M:+8M', 'disk.img'], { cwd });
      putExt4(cwd, 1, 8);
      run('dd', ['if=/dev/zero', 'of=disk.img', 'bs=512', 'seek=1', 'count=20', 'conv=notrunc', 'status=none'], {
        cwd,
      });
      const { stdout, stderr } = blockloom(['ls', 'disk.img'], { cwd });
      expect(stdout.trim().split('\n')).toEqual(LS_ROOT);
      expect(stderr).toBe(
        'blockloom: warning: the first copy of the GPT is damaged, and its backup is read: no signature in sector 1\n',
      );
    });

    it('of sfdisk with an MBR and logical partitions is read', () => {
      const cwd = folderWithDisk(64);
      const script =
        'label: dos\n1 : start=1M, size=8M, type=c, bootable\n2 : start=10M, type=5\n5 : size=10M, type=83\n6 : size=10M, type=82\n7 : type=83\n';
      run('sfdisk', ['-q', 'disk.img'], { cwd, input: Buffer.from(script) });
      const found = sfdisk(cwd);
      expect(found.map(({ number }) => number)).toEqual([1, 2, 5, 6, 7]);
      const logical = found.find(({ number }) => number === 7)!;
      putFat(cwd, 1, 8);
      run('mke2fs', ['-q', '-F', '-t', 'ext2', '-d', 'tree', '-E', `offset=${logical.start}`, 'disk.img', '4M'], {
        cwd,
      });
      const disk = inspect(cwd);
      expect(placesOf(disk)).toEqual(found);
      expect(disk.partitions.map(({ typeName, content }) => [typeName, content.type])).toEqual([
        ['fat32', 'vfat'],
        ['extended', null],
        ['linux', null],
        ['swap', null],
        ['linux', 'ext2'],
      ]);
      expect(output(['ls', 'disk.img'], { cwd }).split('\n')).toEqual(LS_ROOT);
      expect(output(['ls', 'disk.img', '--partition', '1'], { cwd })).toBe('EFI');
    });
  },
);

const FATS = [
  ['12', 4],
  ['16', 20],
  ['32', 40],
] as const;

describe.skipIf(!requireTools('mkfs.fat', 'mcopy', 'mmd', 'mdel', 'mlabel', 'tar'))('FAT', () => {
  it.each(FATS)('%s of mkfs.fat with files of mtools is read', (bits, size) => {
    const cwd = scratch();
    const names = [
      'a',
      'UPPER.TXT',
      'lower.txt',
      'Mixed Case name.with.dots',
      'grüße €.txt',
      `${'long '.repeat(45)}end`,
      'Z'.repeat(12),
    ];
    mkdirSync(join(cwd, 'tree/sub/deeper'), { recursive: true });
    names.forEach((name, i) => writeFileSync(join(cwd, 'tree/sub', name), Buffer.alloc(i * 7001, name)));
    for (let i = 0; i < 120; i++) writeFileSync(join(cwd, `tree/sub/deeper/a file with number ${i}`), `${i}`);
    run('mkfs.fat', ['-F', bits, '-n', 'FIRST', '-C', 'image.fat', String(size * 1024)], { cwd });
    // What is removed leaves gaps, over which what follows is spread.
    for (let i = 0; i < 8; i++) run('mcopy', ['-i', 'image.fat', 'tree/sub/UPPER.TXT', `::gap${i}`], { cwd });
    for (let i = 0; i < 8; i += 2) run('mdel', ['-i', 'image.fat', `::gap${i}`], { cwd });
    run('env', ['LC_ALL=C.UTF-8', 'mcopy', '-s', '-i', 'image.fat', 'tree/sub', '::'], { cwd });
    run('mlabel', ['-i', 'image.fat', '::renamed'], { cwd });
    output(['export', 'image.fat', 'sub', '-o', 'out.tar'], { cwd });
    mkdirSync(join(cwd, 'out'));
    run('tar', ['-xf', 'out.tar', '-C', 'out'], { cwd });
    run('diff', ['-r', 'tree/sub', 'out'], { cwd });
    expect(output(['inspect', 'image.fat'], { cwd })).toMatch(
      new RegExp(`^filesystem +vfat, FAT${bits}\nlabel +RENAMED$`, 'm'),
    );
    expect(output(['ls', 'image.fat'], { cwd }).split('\n')).toEqual(['gap1', 'gap3', 'gap5', 'gap7', 'sub']);
  });

  it('of blockloom built of its export is the same', () => {
    const cwd = scratch();
    mkdirSync(join(cwd, 'tree/sub'), { recursive: true });
    for (let i = 0; i < 30; i++) writeFileSync(join(cwd, `tree/sub/File ${(i * 7) % 30}`), Buffer.alloc(i * 999, 'x'));
    output(['build', 'tree', '--fs', 'vfat', '-o', 'image.fat'], { cwd });
    output(['export', 'image.fat', '-o', 'image.tar'], { cwd });
    output(['build', 'image.tar', '--fs', 'vfat', '-o', 'again.fat'], { cwd });
    expect(readFileSync(join(cwd, 'again.fat')).equals(readFileSync(join(cwd, 'image.fat')))).toBe(true);
    expect(output(['diff', 'image.fat', 'again.fat', '--only', 'paths'], { cwd })).toContain('0 changed, 32 the same');
  });
});
